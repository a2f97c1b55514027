"""A CLIP of a few thousand parameters and a few captioned noise pictures."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import build_backbone, save_backbone
from tests.training.pretrain.towers import vit_settings

GRADES = ("zero", "one", "two", "three", "four", "five")


@pytest.fixture
def vit() -> Backbone:
    """A fresh vision transformer, image tower trainable."""
    backbone = build_backbone(vit_settings())
    backbone.visual.requires_grad_(True)
    return backbone


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a starting backbone."""
    folder = tmp_path_factory.mktemp("backbone")
    settings = vit_settings()
    save_backbone(build_backbone(settings), folder, settings)
    return folder


@pytest.fixture(scope="session")
def captions(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """24 training and 9 validation pairs of smooth noise; captions name how bright a picture is."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, rng = [], np.random.default_rng(0)
    for number in range(33):
        level = number % 6
        grey = cv2.GaussianBlur(rng.normal(30 + 35 * level, 25, (40, 48)), (5, 5), 0)
        file = folder / f"{number}.png"
        cv2.imwrite(str(file), np.clip(grey, 0, 255).astype(np.uint8))
        caption = f"brightness of grade {GRADES[level]}"
        if number >= 6:
            caption += f", case {number}" if number % 4 else ""
        split = "train" if number < 24 else "validation"
        rows.append({"split": split, "image_id": str(number), "file": str(file), "caption": caption})
    return pd.DataFrame(rows)
