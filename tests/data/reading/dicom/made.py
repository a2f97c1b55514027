"""Compressed DICOM files whose header and stream need not agree."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

__all__ = ["edited", "jpeg", "jpeg2000", "write_streams"]


def write_streams(
    write: Callable[..., Path],
    path: Path,
    streams: list[bytes],
    syntax: str,
    *,
    like: np.ndarray,
    **attributes,
) -> Path:
    """A file with these streams as its frames, and the header of the array ``like``."""
    write(path, like, **attributes)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = pydicom.encaps.encapsulate(streams)
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    return path


def edited(path: Path, **attributes) -> Path:
    """The same file with other elements; None takes one out."""
    dataset = pydicom.dcmread(path)
    for keyword, value in attributes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def jpeg(array: np.ndarray, **options) -> bytes:
    """A baseline JPEG stream."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG", quality=98, **options)
    return stream.getvalue()


def jpeg2000(array: np.ndarray, *, mct: int = 0, signed: bool = False) -> bytes:
    """A lossless JPEG 2000 codestream."""
    stream = io.BytesIO()
    options = {"no_jp2": True, "irreversible": False, "mct": mct, "signed": signed}
    Image.fromarray(array).save(stream, "JPEG2000", **options)
    return stream.getvalue()
