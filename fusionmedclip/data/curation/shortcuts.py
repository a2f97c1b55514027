"""Properties of files that separate the classes without any anatomy."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from fusionmedclip.data.curation.findings import Finding
from fusionmedclip.data.curation.statistics import CATEGORIES, PROPERTIES

__all__ = ["measure_shortcuts", "shortcut_findings"]

_AUROC, _P = 0.6, 1e-3


def measure_shortcuts(statistics: pd.DataFrame, labels: np.ndarray) -> pd.DataFrame:
    """How well each property alone tells abnormal from normal.

    Parameters
    ----------
    statistics : DataFrame
        See :func:`fusionmedclip.data.curation.statistics.image_statistics`.
    labels : (N,) array
        0 normal, 1 abnormal.

    Returns
    -------
    DataFrame
        ``property``, ``auroc`` (in the better direction, so from 0.5), ``higher`` (whether high values mean
        abnormal) and ``p`` (two-sided Mann-Whitney test), the strongest first. A category counts by the share
        of abnormal images in it, which flatters categories of few images. Empty where one label is absent.
    """
    labels = np.asarray(labels).astype(bool)
    rows = []
    if labels.any() and not labels.all():
        for name in (*PROPERTIES, *CATEGORIES):
            values = statistics[name]
            if name in CATEGORIES:
                values = values.map(pd.Series(labels).groupby(values.to_numpy()).mean())
            values = values.to_numpy(float)
            test = mannwhitneyu(values[labels], values[~labels])
            auroc = test.statistic / (labels.sum() * (~labels).sum())
            rows.append((name, max(auroc, 1 - auroc), bool(auroc >= 0.5), float(test.pvalue)))
    table = pd.DataFrame(rows, columns=["property", "auroc", "higher", "p"])
    return table.sort_values("auroc", ascending=False, ignore_index=True, kind="stable")


def shortcut_findings(shortcuts: pd.DataFrame) -> Iterator[Finding]:
    """Properties with an AUROC of at least 0.6 that is no accident (p < 0.001)."""
    for row in shortcuts.itertuples():
        if row.auroc >= _AUROC and row.p < _P:
            how = "" if row.property in CATEGORIES else (" (higher)" if row.higher else " (lower)")
            message = f"{row.property}{how} alone reaches an image AUROC of {row.auroc:.3f}"
            hint = "a method has to beat this before its score means anything"
            yield Finding(kind="shortcut", message=message, hint=hint)
