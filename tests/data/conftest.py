"""Small folders of pictures, made afresh for a test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.randomness import generator


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    """Smooth random uint8 pictures, one a key: what no two keys share."""

    def make(key: int, shape: tuple[int, int] = (40, 48)) -> np.ndarray:
        coarse = generator(key, "test picture").integers(0, 256, (8, 8)).astype(np.uint8)
        return np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))

    return make


@pytest.fixture
def folder(tmp_path: Path, picture: Callable) -> Path:
    """``normal`` (6), ``abnormal`` (4) and ``masks`` (4) of 48 x 40 PNG files."""
    for number in range(10):
        name = "normal" if number < 6 else "abnormal"
        target = tmp_path / "set" / name / f"{name}_{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number)).save(target)
        if number >= 6:
            mask = np.zeros((40, 48), np.uint8)
            mask[10:20, 5 : 5 + number] = 255
            masks = tmp_path / "set" / "masks"
            masks.mkdir(exist_ok=True)
            Image.fromarray(mask).save(masks / target.name)
    return tmp_path / "set"


@pytest.fixture
def source(folder: Path) -> dict:
    """The configuration entry of ``folder``."""
    return {
        "kind": "folder",
        "path": str(folder),
        "normal": ["normal"],
        "abnormal": ["abnormal"],
        "mask_folder": "masks",
    }
