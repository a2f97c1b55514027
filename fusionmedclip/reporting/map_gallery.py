"""Test images beside their truth and each method's anomaly map (the thesis's Figure 4)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.reporting.style import STAND_IN_NOTE, new_figure, save_figure

__all__ = ["draw_map_gallery"]


def draw_map_gallery(
    *,
    manifest: str | Path,
    images: str | Path,
    masks: str | Path,
    examples: Sequence[str | Path],
    titles: Sequence[str],
    title: str,
    k: int,
    stand_in: bool,
    out: str | Path,
) -> None:
    """Draw one line a test image: the image, its truth, each method's map over it.

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
    stand_in : bool
        Whether to say that data or weights are stand-ins.
    out : path
    """
    table = pd.read_csv(manifest)
    pixels, truth = (np.load(path, mmap_mode="r") for path in (images, masks))
    kept = [(name, np.load(path)) for name, path in zip(titles, examples, strict=True)]
    kept = [(name, data["rows"], data["maps"].astype(np.float32)) for name, data in kept if len(data["rows"])]
    if not kept:
        kept_rows = np.empty(0, int)
    else:
        kept_rows = kept[0][1]
        kept_rows = kept_rows[np.argsort(-table["label"].to_numpy()[kept_rows], kind="stable")]
    columns = 2 + len(kept)
    lines = max(1, len(kept_rows))
    figure, axes = new_figure(lines, columns, figsize=(1.5 * columns, 1.55 * lines + 0.6), squeeze=False)
    for line, row in enumerate(kept_rows):
        word = "abnormal" if table["label"][row] else "normal"
        _show(axes[line, 0], pixels[row], "image" if line == 0 else "")
        axes[line, 0].text(
            0.03, 0.95, word, transform=axes[line, 0].transAxes, va="top", color="w", fontsize=7
        )
        _show(axes[line, 1], pixels[row], "truth" if line == 0 else "")
        _outline(axes[line, 1], truth[row])
        for column, (name, rows, maps) in enumerate(kept, start=2):
            _show(axes[line, column], pixels[row], name if line == 0 else "")
            low, high = float(maps.min()), float(maps.max())
            map_of = maps[np.flatnonzero(rows == row)[0]]
            axes[line, column].imshow(map_of, cmap="inferno", alpha=0.55, vmin=low, vmax=high)
    for axis in axes.flat:
        axis.axis("off")
    figure.suptitle(f"{title}, k = {k}: anomaly maps", y=0.995)
    if stand_in:
        figure.text(0.5, 0.0, STAND_IN_NOTE, ha="center", va="top", fontsize=7, color="0.35")
    figure.tight_layout(pad=0.3, rect=(0, 0.01, 1, 0.98))
    save_figure(figure, out)


def _show(axis, image: np.ndarray, title: str) -> None:
    axis.imshow(image, cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, pad=3)


def _outline(axis, mask: np.ndarray) -> None:
    if (mask == 1).any():
        axis.contour(mask == 1, levels=[0.5], colors="#00d4ff", linewidths=1)
    elif (mask == 2).any():
        axis.text(0.5, 0.5, "outline unknown", transform=axis.transAxes, ha="center", color="w", fontsize=7)
