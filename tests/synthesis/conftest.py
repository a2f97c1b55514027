"""Phantoms for the synthesis tests: a textured organ in a dark border."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

Phantom = Callable[..., np.ndarray]


def _phantom(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    radius = np.hypot((rows - height / 2) / (0.42 * height), (columns - width / 2) / (0.38 * width))
    texture = cv2.GaussianBlur(rng.random((height, width), dtype=np.float32), (0, 0), 2)
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    image = np.where(radius < 1, 0.25 + 0.5 * texture, 0.01 * rng.random((height, width)))
    return image.astype(np.float32)


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """Makes an image (H, W) of an elliptic organ, texture 0.25 to 0.75, border below 0.01."""
    return _phantom


@pytest.fixture(scope="session")
def support() -> np.ndarray:
    """(4, 96, 96) phantoms."""
    return np.stack([_phantom(96, 96, seed=seed) for seed in range(4)])
