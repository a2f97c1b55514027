"""A Stage 1 run as data: what :func:`pretrain` is given and what torchrun's processes read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fusionmedclip.errors import InputError
from fusionmedclip.training.pretrain.settings import PretrainSettings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHECKPOINT", "Job"]

CHECKPOINT = "checkpoint"
"""Folder inside the output folder that holds what an interrupted run goes on from."""

_DEVICES = ("auto", "cpu", "cuda")
_REQUIRED = ("backbone", "captions", "out", "seed")
_OPTIONAL = {"settings": {}, "processes": 1, "device": "auto", "progress": True}


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """Arguments of :func:`fusionmedclip.training.pretrain.pretrain`."""

    backbone: Path
    captions: "pd.DataFrame | Mapping[str, Any]"
    out: Path
    settings: PretrainSettings
    seed: int
    processes: int = 1
    device: str = "auto"
    progress: bool = True

    def __post_init__(self):
        if not isinstance(self.seed, int):
            raise InputError("pretrain seed", received=self.seed, allowed="a whole number")
        if not isinstance(self.processes, int) or self.processes < 1:
            raise InputError("pretrain processes", received=self.processes, allowed="a whole number from 1")
        if self.device not in _DEVICES:
            raise InputError("pretrain device", received=self.device, allowed=", ".join(_DEVICES))

    def write(self, path: Path) -> None:
        """Write as JSON, for ``python -m fusionmedclip.training.pretrain --settings``."""
        kept = {
            "backbone": str(self.backbone),
            "captions": dict(self.captions),
            "out": str(self.out),
            "settings": asdict(self.settings),
            "seed": self.seed,
            "processes": self.processes,
            "device": self.device,
            "progress": self.progress,
        }
        path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote, or the like written by hand.

        Raises
        ------
        InputError
            If the file cannot be read, or a key is missing or unknown.
        """
        try:
            kept = json.loads(Path(path).read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise InputError(f"no settings that can be read: {error}", received=str(path)) from error
        missing = [name for name in _REQUIRED if name not in kept]
        unknown = [name for name in kept if name not in (*_REQUIRED, *_OPTIONAL)]
        if missing or unknown:
            raise InputError(
                f"{path}: keys are missing or unknown",
                received=[*missing, *unknown],
                allowed=", ".join((*_REQUIRED, *_OPTIONAL)),
            )
        kept = {**_OPTIONAL, **kept}
        settings = PretrainSettings.from_dict(kept.pop("settings"))
        return cls(
            **{**kept, "backbone": Path(kept["backbone"]), "out": Path(kept["out"])}, settings=settings
        )
