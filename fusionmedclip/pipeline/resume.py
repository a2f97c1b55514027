"""Where a run that is stopped leaves what it goes on from, and which of that is its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.code_digest import code_digest
from fusionmedclip.methods import entry_points
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.pipeline.run_files import RunOutputs
from fusionmedclip.provenance import digest, environment

__all__ = ["checkpoints_of"]


def checkpoints_of(
    outputs: RunOutputs, settings: Mapping[str, Any], inputs: Mapping[str, Any], *, device: str
) -> Checkpoints:
    """Checkpoints of a run, beside its log; those of other settings, inputs, code or libraries are ignored.

    Parameters
    ----------
    outputs : RunOutputs
    settings : mapping
        Of the run.
    inputs : mapping
        Its files and their sha256.
    device : str
    """
    code = code_digest(Path(__file__).with_name("runs.py"), entry_points(settings["method"]["kind"]))
    here = environment(device=device)
    made = {"settings": settings, "inputs": inputs, "code": code}
    made |= {name: here[name] for name in ("packages", "device")}
    return Checkpoints(outputs.log.parent / "checkpoint", digest(made))
