"""Anomaly synthesis (thesis section 3.4): normal images in, anomalous images and their masks out."""

from fusionmedclip.synthesis.settings import TASKS, SynthesisSettings
from fusionmedclip.synthesis.stream import AnomalyStream
from fusionmedclip.synthesis.tasks import synthesize

__all__ = ["TASKS", "AnomalyStream", "SynthesisSettings", "synthesize"]
