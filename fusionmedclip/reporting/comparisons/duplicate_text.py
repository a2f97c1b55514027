"""What a table says beneath of test images that are, or nearly are, support images."""

from collections.abc import Mapping

import pandas as pd

from fusionmedclip.reporting.comparisons.statistics import DUPLICATES, WITHOUT_DUPLICATES

__all__ = ["duplicate_lines"]


def duplicate_lines(further: pd.DataFrame, titles: Mapping[str, str]) -> list[str]:
    """One line for each data set and k: how many test images resemble a support image, and what is left.

    Parameters
    ----------
    further : DataFrame
        ``{table}_metrics.csv``.
    titles : mapping
        Of data sets and methods.

    Returns
    -------
    list of str
        Empty where nothing is known, as in the split ``grouped``; one line in all where there are none.
    """
    means = {
        (line["metric"], *line[["dataset", "k", "method"]]): line["mean"] for _, line in further.iterrows()
    }
    counts = further[further["metric"] == DUPLICATES]
    if counts.empty:
        return []
    if not counts["mean"].any():
        return ["No test image has a near-duplicate in its support set."]
    lines = []
    for (dataset, k), group in counts.groupby(["dataset", "k"], sort=False):
        count = group["mean"].iloc[0]  # methods share their support sets
        said = f"{titles.get(dataset, dataset)}, k = {k}: {count:.1f} test images"
        if not count:
            lines.append(f"{said}.")
            continue
        methods = []
        for method in group["method"]:
            without = means.get((WITHOUT_DUPLICATES, dataset, k, method))
            if without is not None:
                change = 100 * (without - means["image_auroc", dataset, k, method])
                methods.append(f"{titles.get(method, method)} {100 * without:.1f} ({change:+.1f})")
        lines.append(f"{said}; without them {', '.join(methods)}.")
    return lines
