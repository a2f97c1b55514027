"""Loss against training step, a line a method, a band over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.reporting.figures.style import colour, drawing

__all__ = ["draw_training_curves"]


def draw_training_curves(
    *, figures: Mapping[str, Mapping], titles: Mapping[str, str], stand_in: bool, folder: str | Path
) -> None:
    """Draw ``training_{dataset}`` of each data set: the training loss of each method that was trained.

    Parameters
    ----------
    figures : mapping of data set to methods
        A method is a name to ``k`` and ``logs``, one file a seed; logs without rows (nothing was trained)
        are left out.
    titles : mapping
        Of data sets and methods.
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.
    folder : path
    """
    for dataset, methods in dict(figures).items():
        read = {name: (entry["k"], _curves(entry["logs"])) for name, entry in dict(methods).items()}
        found = {name: (k, curve) for name, (k, curve) in read.items() if curve is not None}
        columns = max(1, min(3, len(found)))
        with drawing(
            Path(folder, f"training_{dataset}.png"),
            lines=max(1, -(-len(found) // columns)),
            columns=columns,
            panel=(2.6, 1.35),
            gap=(0.5, 0.75),
            margins=(0.62, 0.15, 0.3, 0.45),
            title=f"{titles.get(dataset, dataset)}: training loss",
            notes=["Grey: seeds. Coloured: their mean, smoothed over a twentieth of the run."],
            stand_in=stand_in,
        ) as (_, axes):
            for axis in list(axes.flat)[len(found) :]:
                axis.axis("off")
            for axis, (name, (k, (steps, losses))) in zip(axes.flat, found.items(), strict=False):
                for loss in losses:
                    axis.plot(steps, loss, color="0.75", linewidth=0.5)
                axis.plot(steps, _smooth(losses.mean(axis=0)), color=colour(name), linewidth=1.6)
                axis.set_title(f"{titles.get(name, name)}, k = {k}")
                axis.set_ylim(bottom=min(0.0, float(losses.min())))
                axis.set_xlabel("step")
            for axis in axes[:, 0]:
                axis.set_ylabel("loss")


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
