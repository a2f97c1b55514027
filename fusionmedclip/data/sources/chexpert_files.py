"""Where CheXpert's tables and images lie, as the releases are unpacked."""

import re
from collections.abc import Sequence
from pathlib import Path

from fusionmedclip.errors import InputError

__all__ = ["ChexpertFiles"]

_PATIENT = re.compile(r"(?:train|valid|test)/patient\d+/.+|patient\d+/.+")


class ChexpertFiles:
    """Finds tables and images below a folder.

    The tables name images as ``CheXpert-v1.0-small/train/patient00001/...``. The folder may be that release
    (``train/`` in it), the folder above it, or hold Stanford's batches, ``CheXpert-v1.0 batch 2 (train 1)``
    and so on, with patients directly in them and the tables in the first.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root: Path):
        self.root = root
        self.folders = sorted(item.name for item in root.iterdir() if item.is_dir())
        self.batches = [name for name in self.folders if "batch" in name.lower()]

    def table(self, name: str) -> Path:
        """Path of a table.

        Raises
        ------
        InputError
            Where it is not there; in a folder below, the message names it.
        """
        for place in (self.root, *(self.root / batch for batch in self.batches)):
            if (place / name).is_file():
                return place / name
        deeper = [folder for folder in self.folders if (self.root / folder / name).is_file()]
        hint = "docs/data.md says how to get CheXpert"
        if deeper:
            hint = f"it lies in {deeper[0]}/: set `path` to {self.root / deeper[0]}"
        raise InputError(f"{self.root / name}: no such table", hint=hint)

    def images(self, paths: Sequence[str]) -> list[str]:
        """Paths of the table, relative to the folder; one that is nowhere stays as it is.

        Raises
        ------
        InputError
            Where none is there.
        """
        found = [self._image(path) for path in paths]
        if paths and not any(found):
            raise InputError(
                f"{self.root}: none of the images that the table names is there",
                received=f"{paths[0]} and {len(paths) - 1} others",
                allowed=f"folders there: {', '.join(self.folders) or 'none'}",
                hint="set `path` to the folder that holds train/, or Stanford's batches of patients",
            )
        return [place or path for place, path in zip(found, paths, strict=True)]

    def _image(self, path: str) -> str | None:
        below = path.partition("/")[2]  # without the release, which may be the root itself
        match = _PATIENT.search(path)
        patient = match[0].removeprefix("train/") if match else below
        in_batches = [f"{batch}/{part}" for batch in self.batches for part in (patient, below)]
        for place in (path, below, *in_batches):
            if place and (self.root / place).exists():
                return place
        return None
