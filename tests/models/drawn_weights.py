"""Weights and inputs by name, which another program draws again: this file needs numpy and torch alone."""

import numpy as np
import torch

from fusionmedclip.randomness import generator

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
VIT = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 3, "head_width": 8}


def drawn(name: str, shape: tuple[int, ...], *, scale: float = 0.3) -> torch.Tensor:
    """Normal numbers keyed by a name."""
    values = np.asarray(scale * generator("drawn", name).standard_normal(shape))
    return torch.from_numpy(values.astype(np.float32))


def drawn_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights for every entry of a state dict, by its name; norms stay near 1."""
    return {
        n: drawn(n, tuple(t.shape)) + (1.0 if ".ln_" in f".{n}" and n.endswith("weight") else 0.0)
        for n, t in state.items()
    }


def drawn_batch(step: int) -> tuple[np.ndarray, np.ndarray]:
    """A normal and an abnormal image (2, 32, 32) in [0, 1] and their masks, one rectangle."""
    images = generator("drawn", "image", step).random((2, 32, 32)).astype(np.float32)
    draw = generator("drawn", "mask", step)
    top, left, height, width = draw.integers([0, 0, 6, 6], [16, 16, 16, 16])
    masks = np.zeros((2, 32, 32), np.float32)
    masks[1, top : top + height, left : left + width] = 1
    return images, masks
