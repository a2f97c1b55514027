"""Image scores of normal and abnormal test images, a panel a method."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.reporting.figures.style import ABNORMAL, NORMAL, drawing

__all__ = ["draw_score_histograms"]

BINS = 30


def scaled(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of one seed in interquartile ranges of its normal images, from their median.

    Trainings of one method may end on scales of their own; together on one axis they would show that alone.

    Parameters
    ----------
    scores : DataFrame
        ``label`` (1 abnormal) and ``score``.
    """
    normal = scores.loc[scores["label"] == 0, "score"]
    low, middle, high = normal.quantile([0.25, 0.5, 0.75])
    spread = high - low or 1.0  # half of the normal images or more score alike
    return scores.assign(score=(scores["score"] - middle) / spread)


def draw_score_histograms(
    *, figures: Mapping[str, Mapping], titles: Mapping[str, str], stand_in: bool, folder: str | Path
) -> None:
    """Draw ``score_histograms_{dataset}`` of each data set.

    Parameters
    ----------
    figures : mapping of data set to methods
        A method is a name to ``k`` and ``scores``, one file a seed.
    titles : mapping
        Of data sets and methods.
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.
    folder : path
    """
    for dataset, pairs in dict(figures).items():
        methods = dict(pairs)
        columns = min(4, len(methods))
        with drawing(
            Path(folder, f"score_histograms_{dataset}.png"),
            lines=-(-len(methods) // columns),
            columns=columns,
            panel=(2.0, 1.15),
            gap=(0.45, 0.55),
            margins=(0.62, 0.15, 0.3, 0.4),
            title=f"{titles.get(dataset, dataset)}: image scores",
            notes=[
                "Share of a class's images in a bin, all seeds together. Blue: normal. Orange: abnormal.",
                "Each seed on its own scale: 0 the median of its normal images, 1 their interquartile range;",
                "the outermost bins hold what lies beyond.",
            ],
            stand_in=stand_in,
        ) as (_, axes):
            for axis, (method, entry) in zip(axes.flat, methods.items(), strict=False):
                seeds = [pd.read_csv(path, usecols=["label", "score"]) for path in entry["scores"]]
                table = pd.concat(map(scaled, seeds))
                table["score"] = table["score"].clip(*table["score"].quantile([0.01, 0.99]))
                edges = np.histogram_bin_edges(table["score"], bins=BINS)
                for label, colour, fill in ((0, NORMAL, True), (1, ABNORMAL, False)):
                    counts, _ = np.histogram(table.loc[table["label"] == label, "score"], bins=edges)
                    share = counts / max(1, counts.sum())
                    axis.stairs(share, edges, fill=fill, color=colour, alpha=0.45 if fill else 1)
                axis.set_title(f"{titles.get(method, method)}, k = {entry['k']}", fontsize=8)
                axis.margins(x=0.02)
                axis.locator_params(nbins=4)
            for axis in list(axes.flat)[len(methods) :]:
                axis.axis("off")
            for axis in axes[:, 0]:
                axis.set_ylabel("share")
            for axis in axes[-1]:
                axis.set_xlabel("score, scaled")
