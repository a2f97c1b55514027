"""The gallery: both files, the same bytes each time, one row a task, what it shows."""

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.figures.synthesis_gallery import draw_synthesis_gallery
from fusionmedclip.synthesis import TASKS, SynthesisSettings


@pytest.fixture(scope="module")
def support():
    rng = np.random.default_rng(0)
    return (0.2 + 0.5 * rng.random((3, 48, 48))).astype(np.float32)


def test_two_files_with_the_same_bytes_each_time(tmp_path, support):
    settings = SynthesisSettings.from_dict({"profile": "brain_mri"})
    drawn = []
    for folder in ("a", "b"):
        out = tmp_path / folder / "gallery"
        paths = draw_synthesis_gallery(support, out=out, settings=settings, seed=1, title="BrainMRI")
        assert paths == (out.with_suffix(".png"), out.with_suffix(".pdf"))
        drawn.append([path.read_bytes() for path in paths])
    assert drawn[0] == drawn[1]
    other, _ = draw_synthesis_gallery(support, out=tmp_path / "c", settings=settings, seed=2)
    assert other.read_bytes() != drawn[0][0]


def test_a_name_with_a_dot_keeps_it(tmp_path, support):
    png, pdf = draw_synthesis_gallery(support, out=tmp_path / "gallery.v2", examples=1)
    assert (png.name, pdf.name) == ("gallery.v2.png", "gallery.v2.pdf")


def test_more_examples_make_it_wider_and_tasks_make_it_tall(tmp_path, support):
    one, three = (
        Image.open(draw_synthesis_gallery(support, out=tmp_path / str(n), examples=n)[0]).size for n in (1, 3)
    )
    assert three[0] > one[0]
    assert three[1] == one[1] > 85 * len(TASKS)


def test_masks_are_drawn_black_and_white(tmp_path):
    # Grey images: what is white can only be a mask (or the paper).
    grey = np.full((2, 64, 64), 0.5, dtype=np.float32)
    png, _ = draw_synthesis_gallery(grey, out=tmp_path / "g", examples=3)
    pixels = np.asarray(Image.open(png).convert("L"))
    side = pixels.shape[0] // (len(TASKS) + 1)
    column = pixels[:, -side // 2]
    assert (column == 0).any()  # off the mask
    assert (pixels[:, -side:][side:] == 255).mean() > 0.01


@pytest.mark.parametrize("examples", [0, -1])
def test_no_examples_are_refused(tmp_path, support, examples):
    with pytest.raises(InputError, match="examples"):
        draw_synthesis_gallery(support, out=tmp_path / "x", examples=examples)


def test_real_images(tmp_path, real_data):
    from fusionmedclip.data import load_images

    files = sorted((real_data / "cxr" / "NORMAL").iterdir())[:4]
    settings = SynthesisSettings.from_dict({"profile": "chest_xray"})
    png, pdf = draw_synthesis_gallery(load_images(files, 224), out=tmp_path / "cxr", settings=settings)
    assert png.stat().st_size > 100_000
    assert pdf.read_bytes().startswith(b"%PDF")
