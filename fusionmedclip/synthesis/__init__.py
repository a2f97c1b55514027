"""Anomaly synthesis (thesis section 3.4): normal images in, anomalous images and their masks out."""

from typing import TYPE_CHECKING

from fusionmedclip.synthesis.settings import TASKS, SynthesisSettings

if TYPE_CHECKING:
    from fusionmedclip.synthesis.stream import AnomalyStream
    from fusionmedclip.synthesis.tasks import synthesize

__all__ = ["TASKS", "AnomalyStream", "SynthesisSettings", "synthesize"]


def __getattr__(name: str):
    # Loaded on first use: the workflow reads settings while it plans, and needs no imaging library for that.
    if name == "AnomalyStream":
        from fusionmedclip.synthesis.stream import AnomalyStream

        return AnomalyStream
    if name == "synthesize":
        from fusionmedclip.synthesis.tasks import synthesize

        return synthesize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
