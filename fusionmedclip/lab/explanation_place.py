"""Where an explanation may be written."""

import re
from collections.abc import Iterator
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.outputs import check_writable, remove_attempts

__all__ = ["COLUMNS", "INDEX", "TOKENS", "check_place", "earlier_files"]

INDEX, TOKENS = "index.html", "tokens.csv"
COLUMNS = ("prompt", "slot", "rank", "token", "cosine", "norm")
"""Of the table, by which a folder is known as an explanation's."""
_PICTURE = re.compile(r"\d\d\.png")
_HALF = re.compile(r"\.(index\.html|tokens\.csv|\d\d\.png)\.[0-9a-f]{8}\.part")
"""While they are written, or after who wrote them was killed."""


def check_place(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier explanation, whose files are replaced.

    Raises
    ------
    InputError
    """
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    strangers = [path.name for path in there if not _is_ours(path)]
    whole = [path.name for path in there if not _HALF.fullmatch(path.name)]
    if strangers or (whole and TOKENS not in whole):
        raise InputError(
            f"{folder}: holds files that are no earlier explanation's",
            received=", ".join(strangers[:3] or whole[:3]),
            allowed="a new folder, an empty one, or an earlier explanation's",
            hint="give another place: --out",
        )
    check_writable(folder)


def earlier_files(folder: Path) -> Iterator[Path]:
    """An earlier explanation's page and pictures, the page first; what is half written is removed."""
    pictures = sorted(path for path in folder.iterdir() if _PICTURE.fullmatch(path.name))
    for path in (folder / TOKENS, folder / INDEX, *(folder / f"{n:02d}.png" for n in range(100))):
        remove_attempts(path)
    yield from (folder / INDEX, *pictures)


def _is_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    if path.name == TOKENS:
        with path.open("rb") as handle:
            return handle.readline(200).strip() == ",".join(COLUMNS).encode()
    return path.name == INDEX or bool(_PICTURE.fullmatch(path.name) or _HALF.fullmatch(path.name))
