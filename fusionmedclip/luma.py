"""Grey values of colour: ITU-R BT.601 luma, as Pillow's mode ``"L"``, or one channel."""

import numpy as np

__all__ = ["as_grey", "channel_weights"]

_WEIGHTS = {
    "luma": (0.299, 0.587, 0.114),
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}


def channel_weights(channel: str = "luma") -> np.ndarray:
    """(3,) float64 weights of red, green and blue in a channel of ``data.reading.settings.CHANNELS``."""
    return np.array(_WEIGHTS[channel])


def as_grey(images: np.ndarray) -> np.ndarray:
    """Luma of colour pictures, float32 in [0, 1]; grey ones as they are.

    Parameters
    ----------
    images : (N, H, W) or (N, H, W, 3) float32 array in [0, 1]

    Returns
    -------
    (N, H, W) float32 array
    """
    if images.ndim == 3:
        return images
    # Every channel equal gives that value, bit by bit: the weights' sum rounds to 1 - eps.
    grey = np.clip(images[..., :3] @ channel_weights().astype(np.float32), 0, 1)
    return np.where((images == images[..., :1]).all(axis=-1), images[..., 0], grey)
