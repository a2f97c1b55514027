"""Whether an image is one that a model was fitted on, whose score says nothing of new ones."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fusionmedclip.data.files.kinds import split_slice
from fusionmedclip.provenance import file_sha256

__all__ = ["OF_SUPPORT", "is_fitted_on", "warn_of_fitted"]

OF_SUPPORT = "an image that the model was fitted on: its score says nothing of new ones"


def is_fitted_on(record: Mapping[str, Any], files: Iterable[Path]) -> bool:
    """Whether one of the files, by its bytes, is one that the model of a record was fitted on."""
    known = set(record["support"]["sha256"])
    return bool(known) and any(file_sha256(file) in known for file in files)


def warn_of_fitted(record: Mapping[str, Any], images: Sequence) -> None:
    """Warn of paths among the images that are such; of an array nobody knows where it comes from."""
    paths = [split_slice(image)[0] for image in images if isinstance(image, str | Path)]
    fitted = [path for path in paths if is_fitted_on(record, [path])]
    if fitted:
        more = f" and {len(fitted) - 1} more" if len(fitted) > 1 else ""
        warnings.warn(f"{fitted[0]}{more}: {OF_SUPPORT}", stacklevel=3)
