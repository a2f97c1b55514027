"""DICOM files that are deflated as a whole (PS3.5, A.5), which pydicom inflates without a limit."""

import zlib
from pathlib import Path

from pydicom.filereader import read_dataset, read_preamble

from fusionmedclip.data.files.kinds import is_dicom
from fusionmedclip.data.reading.claims import BoundedFile
from fusionmedclip.errors import InputError

__all__ = ["check_inflated"]

_MOST = 2**28  # bytes: such files hold single pictures and reports
_STEP = 2**20
_META_GROUP = 2
_META_START = 144  # preamble, DICM and the element FileMetaInformationGroupLength


def check_inflated(path: Path) -> None:
    """Refuse a deflated file that grows beyond 256 MiB; it is inflated in steps, and none of them is kept.

    Raises
    ------
    InputError
        Naming the file.
    """
    if not is_dicom(path):
        return
    with BoundedFile(path) as file:
        read_preamble(file, False)
        meta = read_dataset(file, False, True, stop_when=lambda tag, *_: tag >> 16 != _META_GROUP)
    syntax = meta.get("TransferSyntaxUID")
    if syntax is None or not syntax.is_transfer_syntax or not syntax.is_deflated:
        return
    inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with path.open("rb") as file:
        file.seek(_META_START + int(meta.FileMetaInformationGroupLength))
        while (packed := inflate.unconsumed_tail or file.read(_STEP)) and not inflate.eof:
            size += len(inflate.decompress(packed, _STEP))
            if size > _MOST:
                raise InputError(
                    f"{path}: a deflated file that holds more than {_MOST >> 20} MiB",
                    received=f"{path.stat().st_size:,} bytes",
                    hint="save it uncompressed, or in a compression of its pixels alone",
                )
