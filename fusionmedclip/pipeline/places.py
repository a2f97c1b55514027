"""Where the workflow writes: looked at before Snakemake does, whose words for it are a traceback."""

import os
from collections.abc import Iterator
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.outputs import check_writable

__all__ = ["check_records", "closed_folders"]


def check_records(folder: Path) -> None:
    """Refuse a working folder in which Snakemake's records cannot lie.

    Raises
    ------
    InputError
    """
    try:
        check_writable(folder)
    except InputError as error:
        what = f"the workflow keeps its records and its lock in {folder.absolute()}, and cannot"
        hint = "work in a folder of your own: snakemake --directory, or a copy of this one"
        raise InputError(what, received=str(error).partition("\n")[0], hint=hint) from error


def closed_folders(results: Path) -> Iterator[Path]:
    """Folders of results that this user cannot write, such as another user's; none below these."""
    for place, below, _ in os.walk(results):
        folder = Path(place)
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            yield folder
            below.clear()
