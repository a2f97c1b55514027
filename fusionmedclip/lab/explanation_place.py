"""Where an explanation may be written."""

import re
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.outputs import check_writable

__all__ = ["INDEX", "TOKENS", "check_place"]

INDEX, TOKENS = "index.html", "tokens.csv"
_OURS = re.compile(r"\.?(index\.html|tokens\.csv|\d\d\.png)(\.[0-9a-f]{8}\.part)?")
"""With the names of such files while they are written."""


def check_place(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier explanation, whose files are replaced.

    Raises
    ------
    InputError
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    strangers = [name for name in names if not _OURS.fullmatch(name)]
    if strangers or (names and not any(TOKENS in name for name in names)):
        raise InputError(
            f"{folder}: holds files that are no earlier explanation's",
            received=", ".join(strangers[:3] or names[:3]),
            allowed="a new folder, an empty one, or an earlier explanation's",
            hint="give another place: --out",
        )
    check_writable(folder)
