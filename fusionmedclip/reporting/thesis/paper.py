"""The thesis's printed figures, and what it says they were made with."""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["PAIRS", "THESIS_COUNTS", "THESIS_LISTS", "Printed", "printed"]


class Printed(NamedTuple):
    """A cell as printed, converted to 0-1.

    Attributes
    ----------
    mean, std : float
    """

    mean: float
    std: float


THESIS_COUNTS = {"brainmri": ((98, 155), (97, 155)), "busi": ((133, 647),)}
"""Normal and abnormal images of the public sets and, of BrainMRI, of the split that MediCLIP publishes.

CheXpert's subset is not given by the thesis.
"""

THESIS_LISTS = {"brainmri": (32, 65, 155), "busi": (32, 101, 647), "chexpert": (None, 250, 250)}
"""Support, normal and abnormal test images of MediCLIP's lists; the last two are those of Table 5."""

PAIRS = 81_825
"""Radiology images of ROCO, each with its caption, as published (Pelka et al., LABELS 2018)."""


@cache
def _tables() -> dict[tuple[str, str, str, int, str], Printed]:
    with (files("fusionmedclip.reporting.thesis") / "data" / "paper_tables.csv").open() as file:
        return {
            (row["table"], row["dataset"], row["method"], int(row["k"]), row["metric"]): Printed(
                float(row["mean_percent"]) / 100, float(row["std_percent"]) / 100
            )
            for row in csv.DictReader(file)
        }


def printed(table: str, dataset: str, method: str, k: int, metric: str) -> Printed | None:
    """What the thesis prints in a cell of Tables 6 to 8, or None."""
    return _tables().get((table, dataset, method, k, metric))
