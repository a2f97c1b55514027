"""Where a training that is stopped leaves what it goes on from, and which of that is its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.code_digest import code_digest
from fusionmedclip.methods import entry_points
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.provenance import digest, environment

__all__ = ["checkpoints_of"]


def checkpoints_of(
    folder: Path, settings: Mapping[str, Any], inputs: Mapping[str, Any], *, device: str, code: str
) -> Checkpoints:
    """Checkpoints of a training, beside its log; those of other settings, inputs or code are ignored.

    Parameters
    ----------
    folder : Path
        Of its log.
    settings : mapping
        Of the run, ``method`` among them.
    inputs : mapping
        Its files and their sha256.
    device : str
    code : str
        File of the stage that trains.
    """
    here = environment(device=device)
    made = {
        "settings": settings,
        "inputs": inputs,
        "code": code_digest(Path(code), entry_points(settings["method"]["kind"])),
    }
    made |= {name: here[name] for name in ("packages", "device")}
    return Checkpoints(folder / "checkpoint", digest(made))
