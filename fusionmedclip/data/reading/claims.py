"""What a header claims, held against the file's size before anything is allocated."""

import io
from pathlib import Path

from fusionmedclip.errors import InputError

__all__ = ["MAX_PIXELS", "BoundedFile", "check_claim"]

MAX_PIXELS = 178_956_970
"""Of one picture: where Pillow speaks of a decompression bomb. The largest film scans have a third of it."""

_DEFLATE = 1032  # no stream of deflate grows by more (zlib's technical details)
_CHEAP = 2**26  # bytes; a blank page in JPEG 2000, WebP or G4 may well be packed tighter than deflate can


class BoundedFile(io.BufferedReader):
    """A file that never takes memory for more bytes than it has, whatever length a header claims.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path):
        super().__init__(io.FileIO(path))
        self.end = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        """As in a plain file."""
        left = max(0, self.end - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def check_claim(path: Path, claimed: int, *, packed: bool = True) -> None:
    """Refuse a header that claims more pixels than its file can hold.

    Parameters
    ----------
    path : Path
    claimed : int
        Bytes of pixels that the header announces.
    packed : bool
        Compressed pixels may be 1,032 times as large as the file, the most that deflate reaches; up to 64 MiB
        nothing is said of them.

    Raises
    ------
    InputError
        Naming the file, what it claims and what it holds.
    """
    held = path.stat().st_size
    if claimed <= (max(held * _DEFLATE, _CHEAP) if packed else held):
        return
    raise InputError(
        f"{path}: the header claims more pixels than the file can hold",
        received=f"{claimed:,} bytes of pixels in a file of {held:,} bytes",
        hint="the file is damaged or cut off; download or export it again",
    )
