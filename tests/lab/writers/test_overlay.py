"""Overlays: the picture's own pixels, one scale for all, marks that need no colour."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.errors import InputError
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.entries import read_entries
from fusionmedclip.lab.writers.map_scale import COLOUR_MAP, MapScale, calibrated_scale
from fusionmedclip.lab.writers.overlay import LEAST_WIDTH, overlay, with_legend
from fusionmedclip.lab.writers.pictures import PictureWriter


def test_colours_rise_evenly_in_lightness(scale: MapScale) -> None:
    """CIE L* from sRGB (IEC 61966-2-1), computed here: it must rise all the way, in nearly equal steps."""
    rgb = scale.colours(np.linspace(0.2, 1.0, 33)[None])[0].astype(float) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    steps = np.diff(lightness)
    assert COLOUR_MAP == "plasma"
    assert steps.min() > 0
    assert steps.max() < 2 * np.median(steps)


def test_the_scale_has_its_threshold_in_the_middle() -> None:
    scale = calibrated_scale(0.6, usual=0.3)
    assert (scale.low, scale.high) == (0.3, pytest.approx(0.9))
    np.testing.assert_allclose(
        scale.positions(np.array([0.0, 0.3, 0.6, 0.75, 5.0])), [0, 0, 0.5, 0.75, 1], atol=1e-6
    )
    assert calibrated_scale(0.8, usual=0.4, ceiling=1).high == 1
    for usual, ceiling in ((1.0, 1.0), (0.7, None)):
        flat = calibrated_scale(usual, usual=usual, ceiling=ceiling)
        assert flat.low < usual <= flat.high
        assert flat.low <= flat.threshold <= flat.high
    for low, high, threshold in ((1, 1, None), (0, 1, 2), (0, np.nan, None)):
        with pytest.raises(InputError, match="no scale"):
            MapScale(low=low, high=high, threshold=threshold)


def test_below_the_threshold_a_picture_stays_itself(scale: MapScale) -> None:
    grey = np.full((1, 3), 0.5, np.float32)
    drawn = overlay(grey, np.array([[0.1, 0.59, 0.1]], np.float32), scale).astype(int)
    assert drawn[0, 0].tolist() == [128, 128, 128]
    by_hand = 0.25 * (0.39 / 0.4)  # the share of colour just below the threshold
    expected = 128 * (1 - by_hand) + scale.colours(np.array([[0.59]]))[0, 0] * by_hand
    assert np.abs(drawn[0, 1] - expected).max() <= 1
    marked = np.full((9, 9), 0.1, np.float32)
    marked[3:6, 3:6] = 0.61
    drawn = overlay(np.full((9, 9), 0.5, np.float32), marked, scale)
    ring = {(r, c) for r in (3, 4, 5) for c in (3, 4, 5)} - {(4, 4)}
    white = {(int(r), int(c)) for r, c in np.argwhere((drawn == 255).all(axis=2))}
    assert white == ring  # a line around what is marked, and nowhere else
    assert (overlay(grey, None, scale) == 128).all()


def test_the_legend_leaves_every_pixel_of_the_picture(scale: MapScale) -> None:
    for height, width in ((40, 50), (30, 900)):
        picture = np.arange(height * width * 3, dtype=np.uint32).reshape(height, width, 3).astype(np.uint8)
        drawn = with_legend(picture, ["a line " * 90, "b"], scale)
        assert (drawn[:height, :width] == picture).all()
        assert drawn.shape[1] == max(width, LEAST_WIDTH)
        bar = drawn[height:].reshape(-1, 3).astype(int)
        assert (np.ptp(bar, axis=1) > 100).any()  # colours
        assert with_legend(picture, ["b"], None).shape[0] < drawn.shape[0]


def test_pictures_of_every_slice_and_what_they_say(tmp_path: Path, prediction: Path) -> None:
    volume, loud, quiet = read_entries(prediction)
    assert [e.name for e in (volume, loud, quiet)] == ["volume", "loud & <b>", "quiet"]
    assert [e.flag for e in (volume, loud, quiet)] == [True, True, False]
    assert [s.overlay for s in volume.slices] == [f"overlays/volume/000{n}.png" for n in range(3)]
    assert [s.marked for s in volume.slices] == [False, True, False]
    assert volume.worst == 1
    assert (quiet.width, quiet.height, quiet.percentile) == (80, 60, 12.0)
    for part in volume.slices:
        grey = np.asarray(Image.open(prediction / part.picture))
        assert grey.shape == (60, 80)
        assert (grey[0, 0], grey[-1, -1]) == (0, 255)
        level = np.asarray(Image.open(prediction / part.map))[20, 40]  # inside of the peak
        assert level == round((part.score - 0.2) / 0.8 * 255)
    small = np.asarray(Image.open(prediction / volume.thumbnail)).astype(int)
    worst = np.asarray(Image.open(prediction / volume.slices[1].overlay)).astype(int)[:60, :80]
    assert np.abs(small - worst)[23:27, 42:44].max() < 40  # the peak, after JPEG
    drawn = np.asarray(Image.open(prediction / quiet.slices[0].overlay))
    assert drawn.shape[1] == LEAST_WIDTH
    assert drawn[59, 79].tolist() == [255, 255, 255]
    assert not [p for p in prediction.rglob(".*")]


def test_colour_pictures_and_methods_without_a_map(tmp_path: Path, scored: Callable, scale: MapScale) -> None:
    red = np.zeros((1, 60, 80, 3), np.float32)
    red[..., 0] = 1
    one = scored("red", 0.4, pixels=red, maps=None, flag=None)
    PictureWriter(scale).write(one, tmp_path)
    (entry,) = read_entries(tmp_path)
    assert (entry.flag, entry.slices[0].map, entry.slices[0].marked) == (None, "", False)
    for name in (entry.slices[0].overlay, entry.slices[0].picture):
        assert np.asarray(Image.open(tmp_path / name))[0, 0].tolist() == [255, 0, 0]


def test_a_record_that_leads_out_of_the_folder_is_refused(prediction: Path) -> None:
    record = prediction / "layers" / "records" / "quiet.json"
    for name in ("../../etc/passwd", "/etc/passwd"):
        kept = record.read_text()
        record.write_text(kept.replace("layers/pictures/quiet.png", name))
        with pytest.raises(InputError, match="outside of the prediction"):
            read_entries(prediction)
        record.write_text(kept)
    with pytest.raises(InputError, match="no pictures of a prediction"):
        read_entries(prediction / "layers")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, scored: Callable, scale: MapScale) -> None:
    one: ScoredInput = scored("volume", 0.5, 0.9, 0.4)
    for place in "ab":
        PictureWriter(scale).write(one, tmp_path / place)
    files = [p.relative_to(tmp_path / "a") for p in sorted((tmp_path / "a").rglob("*")) if p.is_file()]
    assert len(files) == 3 * 3 + 2
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
