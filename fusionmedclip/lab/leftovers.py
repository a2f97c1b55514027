"""A folder holds one prediction: what another one left in it goes before this one begins."""

import shutil
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.lab.asked import PREDICTION, SCORES, SKIPPED
from fusionmedclip.lab.journal import PARTS, Part, keys_in
from fusionmedclip.lab.writers.dicom_writer import OBJECTS
from fusionmedclip.lab.writers.entries import LAYERS
from fusionmedclip.lab.writers.map_volumes import MAPS
from fusionmedclip.lab.writers.page import INDEX
from fusionmedclip.lab.writers.pictures import OVERLAYS
from fusionmedclip.outputs import remove_attempts, remove_unfinished

__all__ = ["OUTPUTS", "forget_another", "remove_torn"]

OUTPUTS = (INDEX, SCORES, "scores.json", SKIPPED, OVERLAYS, MAPS, OBJECTS, LAYERS, PREDICTION, PARTS)
"""All that a prediction writes; what says whose folder it is goes last, should this be interrupted."""


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


def remove_torn(folder: Path) -> None:
    """Remove what a killed prediction was writing; a review's own files are left to it."""
    for name in OUTPUTS:
        if (folder / name).is_dir():
            remove_unfinished(folder / name)
        remove_attempts(folder / name)
