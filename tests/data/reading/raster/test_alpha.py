"""Alpha is dropped; a picture of which it hides everything is none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data import load_images, read_image
from fusionmedclip.data.reading.raster.alpha import hidden_share
from fusionmedclip.errors import InputError

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)


def with_alpha(alpha: np.ndarray) -> np.ndarray:
    return np.dstack([GREY, GREY, GREY, alpha.astype(np.uint8)])


def write(path: Path, rgba: np.ndarray) -> Path:
    picture = Image.fromarray(rgba)
    if path.stem == "LA":
        picture = picture.convert("LA")
    if path.stem == "key":  # a palette whose one colour is transparent
        picture = Image.new("P", (8, 8), 3)
        picture.putpalette([n for n in range(256) for _ in "rgb"])
        picture.save(path, transparency=3 if rgba[..., 3].max() == 0 else 4)
        return path
    picture.save(path, **({"lossless": True, "exact": True} if path.suffix == ".webp" else {}))
    return path


@pytest.mark.parametrize("name", ["RGBA.png", "LA.png", "key.png", "RGBA.tif", "RGBA.webp"])
def test_what_is_wholly_transparent_is_refused_and_nothing_else(name: str, tmp_path: Path) -> None:
    hidden = write(tmp_path / name, with_alpha(np.zeros((8, 8))))
    with pytest.raises(InputError, match=f"{name}: wholly transparent"):
        read_image(hidden)
    seen = np.zeros((8, 8))
    seen[0, 0] = 1  # of 255
    grey = read_image(write(tmp_path / name, with_alpha(seen)))
    if name != "key.png":
        np.testing.assert_array_equal(grey, GREY / np.float32(255))


def test_arrays_are_as_their_files_are() -> None:
    with pytest.raises(InputError, match=r"images\[1\]: wholly transparent"):
        load_images([GREY, with_alpha(np.zeros((8, 8)))], 8)
    half = with_alpha(np.repeat([[0], [9]], 4, axis=0) * np.ones((1, 8)))
    assert hidden_share(half) == hidden_share(Image.fromarray(half)) == 0.5
    np.testing.assert_array_equal(load_images(half[None], 8), load_images(GREY[None], 8))
