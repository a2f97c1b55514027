"""Where the anatomy is: a foreground mask, the depth inside it, and random places on it.

The mask is deliberately generous: it separates tissue from the black border of a slice, an ultrasound fan
or a film, not one organ from another. Everything is found once an image, when
first asked for, on a small grid.
"""

from functools import cached_property

import cv2
import numpy as np

__all__ = ["Anatomy"]

WORKING_SIDE = 96
"""Longest side, in cells, of the grid on which anatomy is found."""

BLACK = 0.5
"""Cells darker than this share of Otsu's threshold (1979) are border: dark tissue lies between the two."""

SMALLEST_SHARE = 0.05
"""Below this share of the image nothing is anatomy, and the whole image is taken."""

FRAGMENT = 0.1
"""Pieces smaller than this share of the largest one are letters and specks, not anatomy."""


def _shrink(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (3, 3), 0)


def _foreground(small: np.ndarray) -> np.ndarray:
    """Convex hulls of the large bright pieces; all true where they make up too little of the image."""
    # None asks for a new array, which the stub does not know.
    levels = cv2.normalize(small, None, 0, 255, cv2.NORM_MINMAX, dtype=cv2.CV_8U)  # type: ignore[call-overload]
    otsu, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = (levels > BLACK * otsu).astype(np.uint8)
    bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(contour) for contour in contours]
    filled = np.zeros_like(bright)
    for contour, area in zip(contours, areas, strict=True):
        if area >= FRAGMENT * max(areas):
            cv2.fillConvexPoly(filled, cv2.convexHull(contour), 1)
    return filled.view(bool) if filled.mean() >= SMALLEST_SHARE else np.ones(small.shape, dtype=bool)


class Anatomy:
    """Foreground of one image, and what the tasks ask about it.

    Parameters
    ----------
    image : (H, W) float32 array
        Grey, in [0, 1]; must not change afterwards.
    foreground : bool
        Off, the whole image counts as anatomy.
    """

    def __init__(self, image: np.ndarray, *, foreground: bool = True):
        self.size = image.shape
        self._image = image
        self._wanted = foreground
        self._places: dict[tuple[float, float, float], np.ndarray] = {}

    @cached_property
    def _small(self) -> np.ndarray:
        return _shrink(self._image)

    @cached_property
    def _inside(self) -> np.ndarray:
        return _foreground(self._small) if self._wanted else np.ones(self._small.shape, dtype=bool)

    @cached_property
    def everywhere(self) -> bool:
        """The whole image is anatomy: it has no black border, is constant, or shows too little."""
        return bool(self._inside.all())

    @property
    def cell(self) -> float:
        """Side in pixels of a cell of the grid on which everything is found."""
        return max(self.size) / max(self._small.shape)

    @cached_property
    def foreground(self) -> np.ndarray:
        """(H, W) bool array."""
        if self.everywhere:
            return np.ones(self.size, dtype=bool)
        cells = self._inside.astype(np.float32)
        return cv2.resize(cells, self.size[::-1], interpolation=cv2.INTER_LINEAR) > 0.5

    @cached_property
    def depth(self) -> np.ndarray:
        """(H, W) float32 distance, in pixels, to the anatomy's or the image's edge; 0 off the anatomy."""
        full = cv2.resize(self._depth, self.size[::-1], interpolation=cv2.INTER_LINEAR)
        return full if self.everywhere else full * self.foreground

    @cached_property
    def _depth(self) -> np.ndarray:
        padded = cv2.copyMakeBorder(self._inside.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        cells = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
        return cells * np.float32(self.cell)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Row and column of the anatomy's centre of mass, in pixels."""
        rows, columns = np.nonzero(self._inside)
        down, across = self.size[0] / self._small.shape[0], self.size[1] / self._small.shape[1]
        return float((rows.mean() + 0.5) * down - 0.5), float((columns.mean() + 0.5) * across - 0.5)

    def depth_at(self, pixel: tuple[int, int]) -> float:
        """Depth of one pixel, in pixels, to within a cell."""
        rows, columns = self._small.shape
        return float(self._depth[pixel[0] * rows // self.size[0], pixel[1] * columns // self.size[1]])

    def random_pixel(
        self, rng: np.random.Generator, *, depth: float = 0.0, brightness: tuple[float, float] = (0.0, 1.0)
    ) -> tuple[int, int]:
        """Row and column of a random pixel of the anatomy, uniform over the cells allowed.

        Parameters
        ----------
        rng : numpy.random.Generator
        depth : float
            The pixel lies at least this share of the anatomy's largest depth inside it.
        brightness : (2,)
            The local brightness lies between these quantiles of the places deep enough.
        """
        places = self._allowed(depth, brightness)
        pick, down, across = rng.random(3)
        row, column = divmod(int(places[int(pick * len(places))]), self._small.shape[1])
        return (
            int((row + down) * self.size[0] / self._small.shape[0]),
            int((column + across) * self.size[1] / self._small.shape[1]),
        )

    def _allowed(self, depth: float, brightness: tuple[float, float]) -> np.ndarray:
        key = (depth, *brightness)
        if key not in self._places:
            inside = self._inside
            if depth > 0:
                inside = self._depth >= depth * self._depth.max()
            places = np.flatnonzero(inside)
            if brightness != (0.0, 1.0):
                order = places[np.argsort(self._small.ravel()[places], kind="stable")]
                first = int(brightness[0] * (len(order) - 1))
                places = order[first : max(first + 1, round(brightness[1] * len(order)))]
            self._places[key] = places
        return self._places[key]
