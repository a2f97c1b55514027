"""Few-shot medical anomaly detection by adapting CLIP, with every published number reproducible."""

from typing import TYPE_CHECKING

from fusionmedclip.earlier_names import install

if TYPE_CHECKING:
    from fusionmedclip.lab.detector import AnomalyDetector
    from fusionmedclip.training.estimator import FusionMedCLIP

__version__ = "0.1.0"
__all__ = ["AnomalyDetector", "FusionMedCLIP"]

install()


def __getattr__(name: str):
    # Loaded on first use: most of the workflow needs no torch, which takes seconds to import.
    if name == "FusionMedCLIP":
        from fusionmedclip.training.estimator import FusionMedCLIP

        return FusionMedCLIP
    if name == "AnomalyDetector":
        from fusionmedclip.lab.detector import AnomalyDetector

        return AnomalyDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
