"""Checkpoints that are whole or not there: a folder is filled, synced and only then given its name."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fusionmedclip.outputs import remove_attempts, whole_file
from fusionmedclip.provenance import file_sha256

__all__ = ["Checkpoints", "write_safely"]

_PARTIAL = ".partial"


def write_safely(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write`` with a temporary path beside ``path``, sync it, and rename it into place.

    Nobody else may be at ``path``: what killed calls had half written of it goes.
    """
    remove_attempts(path)
    with whole_file(path) as temporary:
        write(temporary)
        _sync(temporary)
    _sync(path.parent)


class Checkpoints:
    """Checkpoints of one run in one folder, of which the newest is kept.

    Parameters
    ----------
    folder : Path
    digest : str
        Of all that determines the run. Checkpoints of another run are passed over, and removed by the next.
    """

    def __init__(self, folder: Path, digest: str):
        self.folder, self.digest = Path(folder), digest

    def save(self, position: tuple[int, int], tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write a checkpoint, then remove the older ones.

        Parameters
        ----------
        position : (int, int)
            Finished epochs, and steps in the epoch under way.
        tensors : dict of str to tensor
        state : dict
            Anything JSON can hold.
        """
        name = f"epoch{position[0]:05d}_step{position[1]:07d}"
        partial = self.folder / f"{name}{_PARTIAL}"
        for killed in self.folder.glob(f"*{_PARTIAL}"):  # while it wrote one, here or at another position
            shutil.rmtree(killed, ignore_errors=True)
        partial.mkdir(parents=True)
        save_file(
            {key: value.detach().cpu().contiguous() for key, value in tensors.items()}, partial / "tensors"
        )
        kept = {"digest": self.digest, "state": state, "sha256": file_sha256(partial / "tensors")}
        (partial / "state.json").write_text(json.dumps(kept))
        for path in (partial / "tensors", partial / "state.json", partial):
            _sync(path)
        shutil.rmtree(self.folder / name, ignore_errors=True)  # of another run, or damaged
        os.replace(partial, self.folder / name)
        _sync(self.folder)
        for other in self._complete():
            if other.name != name:
                shutil.rmtree(other)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors (on the CPU) and state of the newest checkpoint of this run that is whole, or None."""
        for place in reversed(self._complete()):
            try:
                kept = json.loads((place / "state.json").read_text())
                if kept["digest"] != self.digest:
                    print(f"{place}: of other settings, code or device; not gone on from", file=sys.stderr)
                elif kept["sha256"] != file_sha256(place / "tensors"):
                    print(f"{place}: damaged; not gone on from", file=sys.stderr)
                else:
                    return load_file(place / "tensors"), kept["state"]
            except (OSError, ValueError, LookupError, TypeError, SafetensorError) as error:
                print(f"{place}: not whole ({type(error).__name__}); not gone on from", file=sys.stderr)
        return None

    def remove(self) -> None:
        """All of them, once they are not needed."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _complete(self) -> list[Path]:
        found = self.folder.glob("epoch*_step*")
        return sorted(path for path in found if path.is_dir() and path.suffix != _PARTIAL)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
