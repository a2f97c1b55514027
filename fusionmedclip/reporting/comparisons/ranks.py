"""Mean ranks of a table's methods, for a critical-difference figure."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fusionmedclip.metrics import average_ranks, critical_difference, indistinguishable
from fusionmedclip.reporting.status import OK, STAND_IN

__all__ = ["RANK_COLUMNS", "rank_table"]

RANK_COLUMNS = ("method", "mean_rank", "n", "blocks", "critical_difference", "cliques", "status")


def rank_table(cells: Sequence[Mapping], *, unranked: Sequence[str] = ()) -> pd.DataFrame:
    """Mean rank of each method over the data sets and k of a table, best first.

    Ranks are averaged over all n cells. The k of one data set share their test images, so only data sets
    count as independent blocks of Nemenyi's critical difference: wider than n blocks would make it.

    Parameters
    ----------
    cells : sequence of mappings
        Of one table: ``dataset``, ``method``, ``k``, ``mean`` (None where not run) and ``status``.
    unranked : sequence of str
        Methods that are left out.

    Returns
    -------
    DataFrame
        :data:`RANK_COLUMNS`. Methods that did not run in every cell in which any did are left out; without
        lines where fewer than two are left.
    """
    ran = [cell for cell in cells if cell["mean"] is not None and cell["method"] not in unranked]
    places = list(dict.fromkeys((cell["dataset"], cell["k"]) for cell in ran))
    means = {(cell["dataset"], cell["k"], cell["method"]): cell["mean"] for cell in ran}
    names = list(dict.fromkeys(cell["method"] for cell in ran))
    methods = [name for name in names if all((*place, name) in means for place in places)]
    if len(methods) < 2:
        return pd.DataFrame(columns=list(RANK_COLUMNS))
    values = np.array([[means[(*place, name)] for name in methods] for place in places])
    # One block twice ranks as once: average_ranks wants two or more.
    ranks = average_ranks(values if len(values) > 1 else np.repeat(values, 2, axis=0))
    blocks = len({dataset for dataset, _ in places})
    wide = critical_difference(len(methods), blocks)
    cliques = indistinguishable(ranks, wide)
    stand_in = {cell["method"] for cell in ran if cell["status"] == STAND_IN}
    lines = [
        {
            "method": name,
            "mean_rank": rank,
            "n": len(places),
            "blocks": blocks,
            "critical_difference": wide,
            "cliques": ";".join(str(i) for i, clique in enumerate(cliques, 1) if index in clique),
            "status": STAND_IN if name in stand_in else OK,
        }
        for index, (name, rank) in enumerate(zip(methods, ranks, strict=True))
    ]
    return pd.DataFrame(lines, columns=list(RANK_COLUMNS)).sort_values("mean_rank", kind="stable")
