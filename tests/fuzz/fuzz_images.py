"""Images, as the fuzz test reads them."""

from pathlib import Path

import numpy as np
from fuzz_target import Target
from PIL import Image

from fusionmedclip.data import read_image
from fusionmedclip.randomness import generator

__all__ = ["TARGETS"]


def _pictures(folder: Path) -> list[Path]:
    grey = generator(0, "fuzz picture").integers(0, 256, (40, 50)).astype(np.uint8)
    files = [folder / f"whole.{suffix}" for suffix in ("png", "jpg", "tif", "gif", "bmp", "webp", "jp2")]
    for file in files:
        Image.fromarray(grey).save(file)
    return files


TARGETS = (Target(name="picture", write=_pictures, read=lambda file, _: read_image(file)),)
