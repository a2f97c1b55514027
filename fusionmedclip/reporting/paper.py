"""The thesis's printed figures, and what it says they were made with."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import pandas as pd

__all__ = ["THESIS_BACKBONES", "THESIS_COUNTS", "Printed", "printed"]


class Printed(NamedTuple):
    """A cell as printed, converted to 0-1.

    Attributes
    ----------
    mean, std : float
    """

    mean: float
    std: float


THESIS_BACKBONES = {
    "clip": ("ViT-L-14-quickgelu", "openai"),
    "wide_resnet50": ("wide_resnet50_2.tv_in1k", "timm"),
    "resnet18": ("resnet18.tv_in1k", "timm"),
}
"""Model and weights that the thesis, or the official code of its baselines, used."""

THESIS_COUNTS = {"brainmri": (98, 155), "busi": (133, 647)}
"""Normal and abnormal images of the public sets; CheXpert's subset is not given by the thesis."""


@cache
def _tables() -> pd.DataFrame:
    with (files("fusionmedclip.reporting") / "data" / "paper_tables.csv").open() as file:
        return pd.read_csv(file).set_index(["table", "dataset", "method", "k", "metric"]).sort_index()


def printed(table: str, dataset: str, method: str, k: int, metric: str) -> Printed | None:
    """What the thesis prints in a cell of Tables 6 to 8, or None."""
    key = (table, dataset, method, k, metric)
    if key not in _tables().index:
        return None
    row = _tables().loc[key]
    return Printed(float(row["mean_percent"]) / 100, float(row["std_percent"]) / 100)
