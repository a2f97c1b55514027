"""Which methods of a table differ: all pairs within each data set and k, over seeds and test images."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import auroc_difference_over_seeds, draws_to_tell_apart, holm
from fusionmedclip.reporting.finished import read_scores
from fusionmedclip.reporting.status import OK, STAND_IN

__all__ = ["COMPARED", "COMPARISON_COLUMNS", "compare_methods"]

COMPARED = "image_auroc"
"""The one metric with a paired test: it has one score an image, and images are independent."""

COMPARISON_COLUMNS = (
    "dataset", "k", "method_a", "method_b", "n_seeds", "mean_a", "mean_b", "difference", "ci_low", "ci_high",
    "p", "p_holm", "draws_needed", "draws_low", "draws_high", "status",
)  # fmt: skip


def compare_methods(cells: Sequence[Mapping], results: str | Path) -> pd.DataFrame:
    """Every pair of methods of each data set and k, with p-values corrected for all pairs of the table.

    Parameters
    ----------
    cells : sequence of mappings
        Of one table: ``dataset``, ``method``, ``k``, ``metric``, ``status`` and ``records``, run to metrics
        file; no records where nothing ran.
    results : path
        Folder that holds ``scores/``.

    Returns
    -------
    DataFrame
        :data:`COMPARISON_COLUMNS`; without lines for another metric than :data:`COMPARED`.
    """
    ran = [cell for cell in cells if cell["records"] and cell["metric"] == COMPARED]
    places = dict.fromkeys((cell["dataset"], cell["k"]) for cell in ran)
    groups = [[cell for cell in ran if (cell["dataset"], cell["k"]) == place] for place in places]
    found = [line for group in groups for line in _group(group, results)]
    table = pd.DataFrame(found, columns=list(COMPARISON_COLUMNS))
    known = table["p"].notna()
    table.loc[known, "p_holm"] = holm(table.loc[known, "p"].to_numpy(float))
    draws = ["draws_needed", "draws_low", "draws_high"]
    return table.astype({name: "Int64" for name in draws})


def _group(cells: list[Mapping], results: str | Path) -> list[dict]:
    read = {cell["method"]: read_scores(results, _by_seed(cell["records"])) for cell in cells}
    values = {
        cell["method"]: [record["metrics"][COMPARED] for record in _by_seed(cell["records"]).values()]
        for cell in cells
    }
    lines = []
    for a, b in combinations(cells, 2):
        (labels, first), (others, second) = read[a["method"]], read[b["method"]]
        if labels.shape != others.shape or (labels != others).any():
            raise InputError(
                "two methods were tested on different images",
                received=f"{a['method']}, {b['method']} on {a['dataset']}, k = {a['k']}",
                hint="run them again: snakemake --forcerun run_method",
            )
        difference = auroc_difference_over_seeds(labels, first, second)
        draws = draws_to_tell_apart(values[a["method"]], values[b["method"]])
        lines.append(
            {
                "dataset": a["dataset"],
                "k": a["k"],
                "method_a": a["method"],
                "method_b": b["method"],
                "n_seeds": len(first),
                "mean_a": sum(values[a["method"]]) / len(first),
                "mean_b": sum(values[b["method"]]) / len(second),
                "difference": difference.difference,
                "ci_low": difference.low,
                "ci_high": difference.high,
                "p": difference.p_value,
                "p_holm": None,
                "draws_needed": draws.draws,
                "draws_low": draws.low,
                "draws_high": draws.high,
                "status": STAND_IN if STAND_IN in (a["status"], b["status"]) else OK,
            }
        )
    return lines


def _by_seed(records: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """Runs in the order of their seeds, so that those of two methods pair."""
    return dict(sorted(records.items(), key=lambda item: int(item[0].rpartition("seed")[2])))
