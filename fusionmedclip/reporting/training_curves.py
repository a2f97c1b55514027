"""Loss against training step, a line a method, a band over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.reporting.style import STAND_IN_NOTE, new_figure, save_figure

__all__ = ["draw_training_curves"]


def draw_training_curves(
    *, logs: Mapping[str, Sequence[str | Path]], title: str, k: int, stand_in: bool, out: str | Path
) -> None:
    """Draw the training loss of each method that was trained.

    Parameters
    ----------
    logs : mapping of method title to training logs
        One log a seed; logs without rows (nothing was trained) are left out.
    title : str
        Of the data set.
    k : int
        Count of support images.
    stand_in : bool
        Whether to say that data or weights are stand-ins.
    out : path
    """
    curves = {name: _curves(paths) for name, paths in logs.items()}
    curves = {name: curve for name, curve in curves.items() if curve is not None}
    columns = max(1, min(3, len(curves)))
    lines = max(1, -(-len(curves) // columns))
    figure, axes = new_figure(lines, columns, figsize=(3.1 * columns, 2.2 * lines + 0.4), squeeze=False)
    for axis in axes.flat[len(curves) :]:
        axis.axis("off")
    for axis, (name, (steps, losses)) in zip(axes.flat, curves.items(), strict=False):
        for loss in losses:
            axis.plot(steps, loss, color="0.75", linewidth=0.6)
        axis.plot(steps, _smooth(losses.mean(axis=0)), color="#2a6f97", linewidth=1.6)
        axis.set_title(name)
        axis.set_ylim(bottom=min(0.0, float(losses.min())))
    for axis in axes[-1]:
        axis.set_xlabel("step")
    for axis in axes[:, 0]:
        axis.set_ylabel("loss")
    figure.suptitle(f"{title}, k = {k}: training loss (grey: seeds; blue: their mean, smoothed)", fontsize=10)
    if stand_in:
        figure.text(0.5, 0.0, STAND_IN_NOTE, ha="center", va="top", fontsize=7, color="0.35")
    figure.tight_layout()
    save_figure(figure, out)


def _curves(paths: Sequence[str | Path]) -> tuple[np.ndarray, np.ndarray] | None:
    """Steps (T,) and losses (S, T), cut to the shortest log."""
    losses = []
    for path in paths:
        if Path(path).stat().st_size > 1:
            log = pd.read_csv(path)
            if "loss" in log:
                losses.append(log["loss"].to_numpy())
    if not losses:
        return None
    shortest = min(map(len, losses))
    return np.arange(1, shortest + 1), np.stack([loss[:shortest] for loss in losses])


def _smooth(values: np.ndarray) -> np.ndarray:
    """Centred moving mean over a twentieth of the run, shorter at the ends."""
    window = max(1, len(values) // 20)
    return pd.Series(values).rolling(window, center=True, min_periods=1).mean().to_numpy()
