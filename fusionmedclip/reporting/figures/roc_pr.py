"""ROC and precision-recall curves of a data set: seeds and their mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fusionmedclip.reporting.figures.curves_of_scores import Steps, precision_steps, roc_steps
from fusionmedclip.reporting.figures.style import broken, colour, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_roc_pr"]


def draw_roc_pr(
    *, figures: Mapping[str, Mapping], titles: Mapping[str, str], stand_in: bool, folder: str | Path
) -> None:
    """Draw ``roc_pr_{dataset}`` of each data set, a line of panels for each table.

    Parameters
    ----------
    figures : mapping of data set to groups
        A group is a name (of a table) to ``k`` and ``runs``; ``runs`` is method to score files, one a seed.
    titles : mapping
        Of data sets, tables and methods.
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.
    folder : path
    """
    for dataset, groups in dict(figures).items():
        with drawing(
            Path(folder, f"roc_pr_{dataset}.png"),
            lines=len(dict(groups)),
            columns=2,
            panel=(2.6, 2.5),
            gap=(2.3, 0.75),
            margins=(0.55, 2.0, 0.3, 0.5),
            title=f"{titles.get(dataset, dataset)}: ROC and precision-recall curves",
            notes=["Thin: seeds. Thick: their mean, and in brackets the mean area. Dotted: chance."],
            stand_in=stand_in,
        ) as (_, axes):
            for (roc, recall), (table, group) in zip(axes, dict(groups).items(), strict=True):
                heading = f"{titles.get(table, table)}, k = {group['k']}"
                shares = []
                for method, paths in dict(group["runs"]).items():
                    seeds = [pd.read_csv(path, usecols=["label", "score"]) for path in paths]
                    pairs = [(seed["label"].to_numpy(), seed["score"].to_numpy()) for seed in seeds]
                    shares += [labels.mean() for labels, _ in pairs]
                    title = titles.get(method, method)
                    _draw(roc, [roc_steps(*pair) for pair in pairs], method, title)
                    _draw(recall, [precision_steps(*pair) for pair in pairs], method, title)
                roc.plot([0, 1], [0, 1], ":", color="0.6", linewidth=0.8)
                recall.axhline(float(np.mean(shares)), linestyle=":", color="0.6", linewidth=0.8)
                _finish(roc, heading, "1 - specificity", "sensitivity", "AUROC")
                _finish(recall, heading, "recall (sensitivity)", "precision", "AP")


def _draw(axis: "Axes", curves: Sequence[Steps], method: str, title: str) -> None:
    if len(curves) > 1:
        for edges, values in curves:
            _steps(axis, values, edges, color=colour(method), linewidth=0.4, alpha=0.45)
    mean = np.mean([curve.values for curve in curves], axis=0)
    label = f"{broken(title, 24)} ({mean.mean():.3f})"
    width = 2.0 if method == "fusionmedclip" else 1.3
    _steps(axis, mean, curves[0].edges, color=colour(method), linewidth=width, label=label)


def _steps(axis: "Axes", values: np.ndarray, edges: np.ndarray, *, color: str, **style: Any) -> None:
    """As ``axis.stairs``, which would also go through every step for limits that are set anyway."""
    from matplotlib.patches import StepPatch

    # No baseline: a line alone, which the stub does not know.
    outline = StepPatch(values, edges, baseline=None, fill=False, edgecolor=color, **style)  # type: ignore[arg-type]
    axis.add_artist(outline)


def _finish(axis: "Axes", heading: str, x: str, y: str, area: str) -> None:
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=x, ylabel=y)
    axis.set_title(heading, loc="left")
    legend = axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.4, title=area)
    legend.get_title().set_fontsize(7)
