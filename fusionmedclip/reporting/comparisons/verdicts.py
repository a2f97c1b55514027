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

__all__ = ["VERDICT_COLUMNS", "judge"]

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
    figures = {}
    for cell in cells:
        figure = printed(*(cell[name] for name in ("table", "dataset", "method", "k", "metric")))
        held = cell["status"] == OK and len(cell["values"]) > 1 and cell["dataset"] in images
        if figure is not None and held:
            figures[cell["dataset"], cell["method"], cell["k"]] = (cell, figure)
    lines = [_line(cell, figure, images[cell["dataset"]], figures) for cell, figure in figures.values()]
    table = pd.DataFrame(lines, columns=list(VERDICT_COLUMNS))
    known = table["p"].notna()
    table.loc[known, "p_holm"] = holm(table.loc[known, "p"].to_numpy(float))
    return table


def _line(cell: Mapping, figure: Printed, images: Images, figures: Mapping[tuple, tuple]) -> dict:
    labels = np.asarray(cell["labels"])
    known = cell["dataset"] in THESIS_COUNTS  # else, as of CheXpert, there are more images than one draws
    draw = SplitDraw(
        normal=int((labels == 0).sum()),
        anomalous=int((labels == 1).sum()),
        normal_of=images.normal if known else None,
        anomalous_of=images.abnormal if known else None,
        pool=images.pool,
    )
    smaller = _smaller(cell, draw, figures)
    line = {"dataset": cell["dataset"], "method": cell["method"], "k": cell["k"]}
    line |= {"n_seeds": len(cell["values"]), "difference": np.mean(cell["values"]) - figure.mean}
    if smaller is None and not draw.shows_pools(cell["k"]):
        return {**line, "verdict": "", "note": NO_POOL}
    drawn, note = (0.0, 0.0), NO_IMAGES
    if cell["metric"] == "image_auroc":
        drawn, note = image_variances(labels, cell["scores"], printed=figure.mean, draw=draw), ""
    found = printed_difference(
        cell["values"],
        PrintedMean(figure.mean, figure.std),
        k=cell["k"],
        draw=draw,
        images=drawn,
        smaller=smaller,
    )
    return {**line, **_numbers(found), "note": note}


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
