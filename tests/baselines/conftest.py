"""Small backbones, phantoms, and numbers that any program with numpy's frozen generator makes again."""

import numpy as np
import pytest
import torch

from fusionmedclip.data.phantoms import draw_phantom
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone

TINY_CLIP = {
    "embed_dim": 32,
    "vision_cfg": {"layers": 3, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 64},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture(autouse=True)
def _one_thread():
    """The caller of a method fixes its threads; so do its tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def resnet():
    """ResNet-18 with random weights."""
    return build_backbone(BackboneSettings(kind="timm", model="resnet18", image_size=64))


@pytest.fixture(scope="session")
def tiny_clip():
    """A CLIP of three blocks with random weights, 8 x 8 patches of 64-pixel images."""
    return build_backbone(BackboneSettings(kind="open_clip", model=TINY_CLIP, image_size=64))


@pytest.fixture(scope="session")
def phantoms():
    """(12, 64, 64) normal phantoms, and (6, 64, 64) with a lesion."""
    normal = [draw_phantom("brain_mri", size=64, lesion=False, seed=5, index=i).image for i in range(12)]
    lesion = [draw_phantom("brain_mri", size=64, lesion=True, seed=5, index=100 + i).image for i in range(6)]
    return np.stack(normal).astype(np.float32), np.stack(lesion).astype(np.float32)


@pytest.fixture(scope="session")
def frozen_normal():
    """Function to standard normal float32 numbers from numpy's frozen generator."""

    def draw(seed: int, *shape: int) -> np.ndarray:
        return np.random.RandomState(seed).standard_normal(shape).astype("f4")

    return draw
