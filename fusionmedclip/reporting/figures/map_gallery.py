"""Test images beside their truth and each method's anomaly map (the thesis's Figure 4)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fusionmedclip.luma import as_grey
from fusionmedclip.reporting.figures.mosaic import draw_mosaic, grey, place, size_of
from fusionmedclip.reporting.figures.style import broken, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_map_gallery"]

SIDE = 0.75
"""Inches of a picture."""


def draw_map_gallery(
    *,
    manifest: str | Path,
    images: str | Path,
    masks: str | Path,
    examples: Sequence[str | Path],
    titles: Sequence[str],
    title: str,
    k: int,
    split_seed: int,
    stand_in: bool,
    out: str | Path,
) -> None:
    """Draw two lines a test image: the image over its truth, each method's map over map and image together.

    The images are those that the runs kept: drawn by the split's seed, two thirds abnormal, no score being
    looked at. Each map is coloured from its own smallest to its own largest value among the images shown, so
    that methods on different scales can be compared by where they look.

    Parameters
    ----------
    manifest, images, masks : path
        Of the data set.
    examples : sequence of Path
        Each method's kept maps.
    titles : sequence of str
        Of the methods, in the same order.
    title : str
        Of the data set.
    k : int
        Count of support images.
    split_seed : int
        By which the images were drawn.
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.
    out : path
        ``.png``; the PDF lies beside it.
    """
    labels = pd.read_csv(manifest, usecols=["label"])["label"].to_numpy()
    held = [(name, np.load(path)) for name, path in zip(titles, examples, strict=True)]
    kept = [(name, data["rows"], data["maps"].astype(np.float32)) for name, data in held if len(data["rows"])]
    rows = kept[0][1] if kept else np.empty(0, int)
    rows = rows[np.argsort(-labels[rows], kind="stable")]
    heading = f"{title}, k = {k}: anomaly maps"
    if not len(rows):
        with drawing(out, panel=(4, 0.4), title=heading, stand_in=stand_in) as (_, axes):
            axes[0, 0].axis("off")
            axes[0, 0].text(0, 0.5, "No method shown keeps maps.")
        return
    pixels, truth = (np.load(path, mmap_mode="r") for path in (images, masks))
    pictures = _pictures(as_grey(np.asarray(pixels[rows], np.float32)), rows, kept)
    with drawing(
        out,
        panel=(size_of(1 + len(kept), SIDE), size_of(len(pictures), SIDE)),
        margins=(0.75, 0.05, 0.3, 0.05),
        title=heading,
        notes=[
            f"Images drawn by split seed {split_seed}, before any score was known. Blue: truth.",
            "Upper line: image, maps. Lower: truth, maps over the image. Colours: each method's own range.",
        ],
        stand_in=stand_in,
        pictures=True,
    ) as (_, axes):
        axis = axes[0, 0]
        side = draw_mosaic(axis, pictures)
        for line, row in enumerate(rows):
            y = place(2 * line, 0, side)[0]
            word = "abnormal" if labels[row] else "normal"
            axis.text(-0.06 * side, y + side, word, rotation=90, ha="right", va="center")
            _outline(axis, truth[row], *place(2 * line + 1, 0, side))
        for column, name in enumerate(["image, truth", *(name for name, _, _ in kept)]):
            x = place(0, column, side)[1] + side / 2
            axis.text(x, -0.04 * side, broken(name, 15), ha="center", va="bottom", fontsize=6.5)


def _pictures(images: np.ndarray, rows: np.ndarray, kept: Sequence[tuple]) -> list[list[np.ndarray]]:
    """Two lines an image, (H, W, 3) each."""
    from matplotlib import colormaps

    inferno = colormaps["inferno"]
    lines = []
    for image, row in zip(images, rows, strict=True):
        above, below = [grey(image)], [grey(image)]
        for _, own_rows, maps in kept:
            low, high = float(maps.min()), float(maps.max())
            map_of = (maps[np.flatnonzero(own_rows == row)[0]] - low) / max(high - low, 1e-12)
            coloured = inferno(map_of)[..., :3]
            above.append(coloured)
            below.append(0.45 * grey(image) + 0.55 * coloured)
        lines += [above, below]
    return lines


def _outline(axis: "Axes", mask: np.ndarray, y: int, x: int) -> None:
    height, width = mask.shape
    if (mask == 1).any():
        grid = np.arange(x, x + width), np.arange(y, y + height)
        axis.contour(*grid, mask == 1, levels=[0.5], colors="#00d4ff", linewidths=0.9)
    elif (mask == 2).any():
        axis.text(x + width / 2, y + 0.94 * height, "outline unknown", ha="center", color="w", fontsize=6)
