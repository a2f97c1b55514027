"""Settings of the controls that look at a file and not at its pixels."""

from dataclasses import dataclass

from fusionmedclip.baselines.controls.settings import MeanBrightnessSettings
from fusionmedclip.baselines.ranges import one_of
from fusionmedclip.errors import InputError

__all__ = ["CATEGORIES", "NUMBERS", "FileStatisticSettings"]

# As in fusionmedclip.data.curation.statistics, whose import would slow down the parsing of every workflow.
NUMBERS = (
    "width", "height", "area", "aspect", "bytes", "mean", "std", "max", "border_mean", "border_dark"
)  # fmt: skip
CATEGORIES = ("suffix", "format", "mode")


@dataclass(frozen=True, kw_only=True)
class FileStatisticSettings(MeanBrightnessSettings):
    """Of one column of ``results/datasets/{dataset}/statistics.csv``.

    Attributes
    ----------
    statistic : str
        A number (``area``, ``aspect``, ``bytes``, ...) or a word (``suffix``, ``format``, ``mode``).
    reading : str
        As for the other controls; words have no order, so of them only ``deviation`` can be read: one minus
        the share of the support set that has the same word.
    """

    statistic: str = "area"
    reading: str = "deviation"

    def __post_init__(self):
        super().__post_init__()
        one_of((*NUMBERS, *CATEGORIES), statistic=self.statistic)
        if self.statistic in CATEGORIES and self.reading != "deviation":
            raise InputError(
                f"{self.statistic} is a word and has no order", received=self.reading, allowed="deviation"
            )
