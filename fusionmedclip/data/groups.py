"""What belongs together."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["components", "linked"]


def linked(count: int, pairs: np.ndarray) -> np.ndarray:
    """Connected component of each of ``count`` items under (P, 2) index pairs: (count,) integers."""
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def components(manifest: pd.DataFrame) -> list[set[int]]:
    """Rows that share a ``group`` (patient, volume) or a ``duplicate`` group, directly or by a chain."""
    pairs = []
    for column in ("group", "duplicate"):
        if column in manifest:
            marked = manifest[column][manifest[column] != ""]
            for _, rows in marked.groupby(marked):
                pairs += [(rows.index[0], other) for other in rows.index[1:]]
    labels = linked(len(manifest), np.array(pairs))
    members: dict[int, set[int]] = {}
    for row, component in enumerate(labels):
        members.setdefault(int(component), set()).add(row)
    return list(members.values())
