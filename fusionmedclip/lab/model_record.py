"""The record of a saved model, which says all that a prediction needs to know before torch is there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.errors import InputError
from fusionmedclip.provenance import digest
from fusionmedclip.training.saved_record import read_record

__all__ = ["model_digest", "read_model"]

_NEEDED = ("kind", "image_size", "threads", "rests_on", "luma", "maps")


def read_model(folder: Path) -> dict[str, Any]:
    """The record of a saved model.

    Raises
    ------
    InputError
        If the folder holds no model that :class:`fusionmedclip.lab.AnomalyDetector` saved, or a part of one.
    """
    record = read_record(folder)
    missing = [name for name in _NEEDED if name not in record]
    if missing:
        raise InputError(
            f"{folder}: saved without what a prediction needs", received=missing, hint="fit it again"
        )
    return record


def model_digest(record: Mapping[str, Any]) -> str:
    """What a score is signed with: of all that the record says, the weights' digest included."""
    return digest(record)
