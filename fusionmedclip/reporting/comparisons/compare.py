"""Which methods of a table differ: all pairs within each data set and k, over seeds and test images."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import auroc_difference_over_seeds, delong, draws_to_tell_apart, holm
from fusionmedclip.metrics.bootstrap import percentile_ends
from fusionmedclip.reporting.status import OK, STAND_IN

__all__ = ["COMPARED", "COMPARISON_COLUMNS", "compare_methods"]

COMPARED = "image_auroc"
"""The one metric with a paired test: it has one score an image, and images are independent."""

COMPARISON_COLUMNS = (
    "dataset", "k", "pool", "method_a", "method_b", "n_seeds", "mean_a", "mean_b", "difference", "ci_low",
    "ci_high", "bootstrap_low", "bootstrap_high", "p", "p_holm", "draws_needed", "draws_low", "draws_high",
    "status",
)  # fmt: skip


def compare_methods(cells: Sequence[Mapping]) -> pd.DataFrame:
    """Every pair of methods of each data set and k, with p-values corrected for all pairs of the table.

    Parameters
    ----------
    cells : sequence of mappings
        Of one table: ``dataset``, ``method``, ``k``, ``metric``, ``status`` and ``mean``, which is None where
        nothing ran. Elsewhere also ``labels`` (n,), ``scores`` (S, n), in the order of seeds, so that those
        of two methods pair, ``draws`` (:func:`fusionmedclip.metrics.auroc_draws_over_seeds`) and ``pool``,
        the normals that support sets are drawn from, or None.

    Returns
    -------
    DataFrame
        :data:`COMPARISON_COLUMNS`; without lines for another metric than :data:`COMPARED`.
    """
    ran = [cell for cell in cells if cell["mean"] is not None and cell["metric"] == COMPARED]
    places = dict.fromkeys((cell["dataset"], cell["k"]) for cell in ran)
    groups = [[cell for cell in ran if (cell["dataset"], cell["k"]) == place] for place in places]
    found = [line for group in groups for line in _group(group)]
    table = pd.DataFrame(found, columns=list(COMPARISON_COLUMNS))
    known = table["p"].notna()
    table.loc[known, "p_holm"] = holm(table.loc[known, "p"].to_numpy(float))
    whole = ["pool", "draws_needed", "draws_low", "draws_high"]
    return table.astype({name: "Int64" for name in whole})


def _group(cells: list[Mapping]) -> list[dict]:
    aurocs = {cell["method"]: delong(cell["labels"], cell["scores"]).aurocs for cell in cells}
    lines = []
    for a, b in combinations(cells, 2):
        first, second = aurocs[a["method"]], aurocs[b["method"]]
        if not np.array_equal(a["labels"], b["labels"]):
            raise InputError(
                "two methods were tested on different images",
                received=f"{a['method']}, {b['method']} on {a['dataset']}, k = {a['k']}",
                hint="run them again: snakemake --forcerun run_method",
            )
        difference = auroc_difference_over_seeds(a["labels"], a["scores"], b["scores"])
        low, high = percentile_ends(a["draws"] - b["draws"], 0.95)
        draws = draws_to_tell_apart(first, second)
        lines.append(
            {
                "dataset": a["dataset"],
                "k": a["k"],
                "pool": a["pool"],
                "method_a": a["method"],
                "method_b": b["method"],
                "n_seeds": len(first),
                "mean_a": first.mean(),
                "mean_b": second.mean(),
                "difference": difference.difference,
                "ci_low": difference.low,
                "ci_high": difference.high,
                "bootstrap_low": low,
                "bootstrap_high": high,
                "p": difference.p_value,
                "p_holm": None,
                "draws_needed": draws.draws,
                "draws_low": draws.low,
                "draws_high": draws.high,
                "status": STAND_IN if STAND_IN in (a["status"], b["status"]) else OK,
            }
        )
    return lines
