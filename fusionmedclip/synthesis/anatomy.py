"""Where the anatomy is: a foreground mask and the depth inside it.

The mask is deliberately generous: it separates tissue from the black border of a slice, an ultrasound fan
or a film, not one organ from another.
"""

from functools import cached_property

import cv2
import numpy as np

__all__ = ["Anatomy", "foreground_mask"]

WORKING_SIDE = 96
"""Longest side, in pixels, of the grid on which the foreground is found."""

BLACK = 0.08
"""Share of the brightness range (1st to 99th percentile) below which a pixel counts as black border."""

SMALLEST_SHARE = 0.05
"""Below this share of the image nothing is anatomy, and the whole image is taken."""

FRAGMENT = 0.1
"""Pieces smaller than this share of the largest one are labels and specks, not anatomy."""


def foreground_mask(image: np.ndarray) -> np.ndarray:
    """Separate anatomy from the black border.

    Parameters
    ----------
    image : (H, W) float32 array
        Grey, in [0, 1].

    Returns
    -------
    (H, W) bool array
        Filled outlines of the large bright pieces. All true where the image is constant, or where what is
        bright makes up less than 5 % of it.
    """
    height, width = image.shape
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (3, 3), 0)
    dark, light = np.percentile(small, (1, 99))
    bright = (small > dark + BLACK * (light - dark)).astype(np.uint8)
    bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(contour) for contour in contours]
    filled = np.zeros_like(bright)
    large = [c for c, area in zip(contours, areas, strict=True) if area >= FRAGMENT * max(areas)]
    cv2.drawContours(filled, large, -1, 1, thickness=cv2.FILLED)
    if filled.mean() < SMALLEST_SHARE:
        return np.ones((height, width), dtype=bool)
    return cv2.resize(filled, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)


class Anatomy:
    """Foreground of one image, and what guided deformation asks about it.

    Parameters
    ----------
    foreground : (H, W) bool array
    """

    def __init__(self, foreground: np.ndarray):
        self.foreground = foreground
        self.everywhere = bool(foreground.all())

    @classmethod
    def of(cls, image: np.ndarray, *, foreground: bool) -> "Anatomy":
        """Anatomy of an image; the whole image where ``foreground`` is off."""
        return cls(foreground_mask(image) if foreground else np.ones(image.shape, dtype=bool))

    @cached_property
    def depth(self) -> np.ndarray:
        """(H, W) float32 distance in pixels to the nearest pixel off the anatomy or off the image."""
        padded = cv2.copyMakeBorder(self.foreground.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1].copy()

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Row and column of the anatomy's centre of mass, in pixels."""
        rows, columns = self.foreground.sum(axis=1), self.foreground.sum(axis=0)
        total = max(1, int(rows.sum()))
        return float(rows @ np.arange(len(rows))) / total, float(columns @ np.arange(len(columns))) / total

    def random_pixel(self, rng: np.random.Generator, *, depth: float = 0.0) -> tuple[int, int]:
        """Row and column of a random pixel of the anatomy.

        Parameters
        ----------
        rng : numpy.random.Generator
        depth : float
            The pixel lies at least this share of the largest depth inside the anatomy.
        """
        height, width = self.foreground.shape
        allowed = self.foreground if depth == 0 else self.depth >= depth * self.depth.max()
        tries = rng.random((16, 2))
        rows, columns = (tries[:, 0] * height).astype(int), (tries[:, 1] * width).astype(int)
        hits = np.flatnonzero(allowed[rows, columns])
        if len(hits):
            return int(rows[hits[0]]), int(columns[hits[0]])
        # A small anatomy: pick among its pixels instead of drawing on.
        pixels = np.flatnonzero(allowed)
        pick = int(pixels[int(tries[0, 0] * len(pixels))])
        return pick // width, pick % width
