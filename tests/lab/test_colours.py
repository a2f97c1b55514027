"""Colour photographs are asked about; grey pictures never are, however they are stored."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.errors import InputError
from fusionmedclip.lab import score_inputs
from fusionmedclip.lab.colours import coloured_share
from tests.lab.models import phantoms, small_model, write_overlay, write_pngs


def photograph(path: Path) -> Path:
    """Sky, grass and a red roof."""
    pixels = np.zeros((120, 160, 3), np.uint8)
    pixels[:60], pixels[60:], pixels[40:70, 50:90] = (90, 150, 230), (60, 140, 50), (180, 50, 40)
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    "form", ["RGB.png", "RGB.jpg", "RGBA.png", "P.png", "L.png", "noise.jpg", "marked.png"]
)
def test_grey_pictures_have_no_colour(form: str, tmp_path: Path) -> None:
    grey = np.rint(phantoms(1)[0] * 255).astype(np.uint8)
    if form == "noise.jpg":
        grey = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    picture = Image.fromarray(grey)
    path = tmp_path / form
    if form == "marked.png":
        picture = picture.convert("RGB")
        picture.paste((255, 0, 0), (0, 0, 30, 20))  # a red label over a seventh of the picture
    elif form[:-4] in ("RGB", "RGBA", "P", "L"):
        picture = picture.convert(form[:-4])
    else:
        picture = picture.convert("RGB")
    picture.save(path)
    share = coloured_share(path)
    assert share == pytest.approx(600 / 4096, abs=0.01) if form == "marked.png" else share == 0


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
def test_a_photograph_is_asked_about_and_scored_when_that_is_meant(name: str, tmp_path: Path) -> None:
    path = photograph(tmp_path / name)
    assert coloured_share(path) > 0.9
    overlay = write_overlay(tmp_path)
    with pytest.raises(InputError, match=r"a photograph in colour\?[\s\S]*--colour"):
        small_model(overlay, folds=0).fit([path])
    model = small_model(overlay, folds=0).fit(write_pngs(tmp_path / "n", phantoms(2)))
    skipped: list = []
    assert list(score_inputs(model, [path], skipped=skipped)) == []
    assert skipped[0].reason.startswith("a photograph in colour?")
    (scored,) = score_inputs(model.set_params(luma=True), [path])
    assert scored.score == model.score_samples([path])[0]
    meant = small_model(overlay, folds=0, luma=True).fit([path])
    assert len(list(score_inputs(meant, [path]))) == 1


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "RGBA"])
def test_an_array_in_colour_is_asked_about_as_its_file_is(kind: str, tmp_path: Path) -> None:
    path = photograph(tmp_path / "photo.png")
    colours = np.asarray(Image.open(path))
    array = {
        "uint8": colours,
        "uint16": colours.astype(np.uint16) * 257,
        "float32": colours.astype(np.float32) / 255,
        "RGBA": np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)]),
    }[kind]
    assert coloured_share(array) == coloured_share(path)
    model = small_model(write_overlay(tmp_path), folds=0).fit(phantoms(2))
    for given in ([path], array[None], [array]):
        with pytest.raises(InputError, match=r"a photograph in colour\?[\s\S]*luma=True"):
            model.predict(given)
        with pytest.raises(InputError, match=r"a photograph in colour\?[\s\S]*luma=True"):
            small_model(tmp_path / "overlay.yaml", folds=0).fit(given)
    grey = np.repeat(phantoms(2)[..., None], 3, axis=-1)
    np.testing.assert_allclose(model.score_samples(grey), model.score_samples(phantoms(2)), atol=1e-6)
    assert len(model.set_params(luma=True).score_samples(array[None])) == 1
