"""Whether a cell replicates the thesis's: the difference of the two, and how far chance explains it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fusionmedclip.metrics import (
    PrintedDifference,
    PrintedMean,
    SplitDraw,
    Spread,
    holm,
    image_variances,
    printed_difference,
)
from fusionmedclip.reporting.comparisons.tested_images import Images
from fusionmedclip.reporting.status import OK
from fusionmedclip.reporting.thesis.paper import THESIS_COUNTS, Printed, printed

__all__ = ["VERDICT_COLUMNS", "difference_of", "figures_of", "judge", "split_draw"]

VERDICT_COLUMNS = (
    "dataset", "method", "k", "n_seeds", "difference", "ci_low", "ci_high", "p", "p_holm", "verdict",
    "se_our_seeds", "se_thesis_seeds", "se_our_images", "se_thesis_images", "se_pool", "note",
)  # fmt: skip

NO_POOL = "no verdict: nothing in this table tells how far support sets of another pool would lie"
NO_IMAGES = "test images are not counted: those of a pixel metric are not kept"


def judge(cells: Sequence[Mapping], images: Mapping[str, Images]) -> pd.DataFrame:
    """A line for each cell of the thesis's protocol that the thesis prints and that has two seeds or more.

    Parameters
    ----------
    cells : sequence of mappings
        Of one table: ``table``, ``dataset``, ``method``, ``k``, ``metric``, ``status``, ``values`` (one a
        seed; empty where not run), and ``labels`` (n,) and ``scores`` (S, n) where any ran.
    images : mapping
        Of each data set.

    Returns
    -------
    DataFrame
        :data:`VERDICT_COLUMNS`, 0-1. ``verdict`` is ``within`` where the interval holds zero, else ``above``
        or ``below``; empty, with a note, where there is no interval. ``p_holm`` is p after Holm's correction
        over the lines.
    """
    figures = figures_of(cells, images)
    lines = [_line(cell, figure, images[cell["dataset"]], figures) for cell, figure in figures.values()]
    table = pd.DataFrame(lines, columns=list(VERDICT_COLUMNS))
    known = table["p"].notna()
    table.loc[known, "p_holm"] = holm(table.loc[known, "p"].to_numpy(float))
    return table


def figures_of(cells: Sequence[Mapping], images: Mapping[str, Images]) -> dict[tuple, tuple]:
    """Cells that :func:`judge` judges, each with what the thesis prints, by data set, method and k."""
    figures = {}
    for cell in cells:
        figure = printed(*(cell[name] for name in ("table", "dataset", "method", "k", "metric")))
        held = cell["status"] == OK and len(cell["values"]) > 1 and cell["dataset"] in images
        if figure is not None and held:
            figures[cell["dataset"], cell["method"], cell["k"]] = (cell, figure)
    return figures


def split_draw(dataset: str, labels: np.ndarray, images: Images) -> SplitDraw:
    """How a data set's test images and pool were drawn.

    Parameters
    ----------
    dataset : str
    labels : (n,) array of 0/1
        Of the images tested.
    images : Images
    """
    known = dataset in THESIS_COUNTS  # else, as of CheXpert, there are more images than one draws
    return SplitDraw(
        normal=int((labels == 0).sum()),
        anomalous=int((labels == 1).sum()),
        normal_of=images.normal if known else None,
        anomalous_of=images.abnormal if known else None,
        pool=images.pool,
    )


def _line(cell: Mapping, figure: Printed, images: Images, figures: Mapping[tuple, tuple]) -> dict:
    line = {"dataset": cell["dataset"], "method": cell["method"], "k": cell["k"]}
    line |= {"n_seeds": len(cell["values"]), "difference": np.mean(cell["values"]) - figure.mean}
    found = difference_of(cell, figure, images, figures)
    if found is None:
        return {**line, "verdict": "", "note": NO_POOL}
    return {**line, **_numbers(found), "note": "" if cell["metric"] == "image_auroc" else NO_IMAGES}


def difference_of(
    cell: Mapping, figure: Printed, images: Images, figures: Mapping[tuple, tuple]
) -> PrintedDifference | None:
    """Our mean against the printed one; None where nothing tells how far another pool would lie.

    Parameters
    ----------
    cell, images
        As :func:`judge` takes them, one of each.
    figure : Printed
    figures : mapping
        From :func:`figures_of`.
    """
    labels = np.asarray(cell["labels"])
    draw = split_draw(cell["dataset"], labels, images)
    smaller = _smaller(cell, draw, figures)
    if smaller is None and not draw.shows_pools(cell["k"]):
        return None
    drawn = (0.0, 0.0)
    if cell["metric"] == "image_auroc":
        drawn = image_variances(labels, cell["scores"], printed=figure.mean, draw=draw)
    return printed_difference(
        cell["values"],
        PrintedMean(figure.mean, figure.std),
        k=cell["k"],
        draw=draw,
        images=drawn,
        smaller=smaller,
    )


def _smaller(cell: Mapping, draw: SplitDraw, figures: Mapping[tuple, tuple]) -> Spread | None:
    """Spread of the same method on the same data set at the largest k that still tells of other pools."""
    same = [
        (other["k"], other["values"], figure.std)
        for other, figure in figures.values()
        if (other["dataset"], other["method"]) == (cell["dataset"], cell["method"])
        and draw.shows_pools(other["k"])
    ]
    return Spread(*max(same, key=lambda spread: spread[0])) if same else None


def _numbers(found: PrintedDifference) -> dict:
    verdict = "within" if found.low <= 0 <= found.high else "above" if found.difference > 0 else "below"
    return {
        "difference": found.difference,
        "ci_low": found.low,
        "ci_high": found.high,
        "p": found.p_value,
        "verdict": verdict,
        "se_our_seeds": found.our_seeds,
        "se_thesis_seeds": found.printed_seeds,
        "se_our_images": found.our_images,
        "se_thesis_images": found.printed_images,
        "se_pool": found.pool,
    }
