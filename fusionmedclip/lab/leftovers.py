"""A folder holds one prediction: what another one left in it goes before this one begins."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.lab.asked import PREDICTION, SCORES, SKIPPED
from fusionmedclip.lab.journal import PARTS, Part, keys_in
from fusionmedclip.lab.writers.dicom_writer import OBJECTS
from fusionmedclip.lab.writers.entries import LAYERS
from fusionmedclip.lab.writers.map_volumes import MAPS
from fusionmedclip.lab.writers.page import INDEX
from fusionmedclip.lab.writers.pictures import OVERLAYS

__all__ = ["OUTPUTS", "alone_in", "forget_another"]

OUTPUTS = (INDEX, SCORES, "scores.json", SKIPPED, OVERLAYS, MAPS, OBJECTS, LAYERS, PREDICTION, PARTS)
"""All that a prediction writes; what says whose folder it is goes last, should this be interrupted."""


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else is in this block with the same folder: parts may begin at the same moment."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def forget_another(folder: Path, key: str, part: Part) -> bool:
    """Remove the outputs of a prediction of another key, and say whether it was finished.

    Other parts of this one stay.

    A review's decisions are no outputs, and stay.

    Raises
    ------
    InputError
        If this is one part of several, and others of another prediction are not joined yet: a node that
        looks at other inputs than its neighbours would undo their work.
    """
    if (keys := keys_in(folder)) == {key}:
        return False
    is_finished = (folder / PREDICTION).is_file()
    if part.count > 1 and keys and not is_finished:
        raise InputError(
            f"{folder}: holds parts of another prediction that is not finished",
            received="another model, other inputs, or other settings",
            hint=f"begin anew in another folder (--out), or remove {folder / PARTS}",
        )
    for name in OUTPUTS:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return is_finished
