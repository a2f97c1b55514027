"""For one's own images: any method as one estimator, predictions over files, what is drawn from them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusionmedclip.lab.detector import AnomalyDetector
    from fusionmedclip.lab.predict import score_inputs

__all__ = ["AnomalyDetector", "score_inputs"]


def __getattr__(name: str):
    # Loaded on first use, as in the package itself.
    if name == "AnomalyDetector":
        from fusionmedclip.lab.detector import AnomalyDetector

        return AnomalyDetector
    if name == "score_inputs":
        from fusionmedclip.lab.predict import score_inputs

        return score_inputs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
