"""What commands are asked for, looked at before torch is imported, which takes seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.errors import InputError
from fusionmedclip.lab import asked as predictions
from fusionmedclip.lab import explanation_place
from fusionmedclip.lab.asked import Asked
from fusionmedclip.lab.given import refuse_volume
from fusionmedclip.lab.inputs import Found, Input, find_inputs
from fusionmedclip.lab.model_record import read_model

__all__ = [
    "NOT_EXPLAINED",
    "Request",
    "check_backbone",
    "check_compared",
    "check_explanation",
    "prediction_request",
]

NOT_EXPLAINED = "only FusionMedCLIP is explained"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A prediction that can begin: its model, inputs and place were looked at.

    Attributes
    ----------
    model : Path
        Folder that ``fit`` saved.
    found : Found
    out : Path
        A folder, or the name of a CSV that shall hold the scores and nothing else.
    asked : Asked
    backbone : path or mapping, optional
        Where the frozen weights are now.
    """

    model: Path
    found: Found
    out: Path
    asked: Asked
    backbone: Any = None


def prediction_request(
    model: Path,
    inputs: Sequence[Path],
    out: Path,
    *,
    asked: Asked | None = None,
    backbone: Any = None,
) -> Request:
    """Look at a model, at what it shall score and at where that shall be written, in this order.

    Parameters
    ----------
    model, out, asked, backbone
        See :class:`Request`.
    inputs : sequence of Path
        See :func:`fusionmedclip.lab.inputs.find_inputs`.

    Raises
    ------
    InputError
    """
    asked = asked or Asked()
    read_model(model)
    check_backbone(backbone)
    for path in inputs:
        if not path.exists():  # before all others are looked at, which takes as long as there are many
            raise InputError(f"{path}: no such file or folder")
    if out.suffix.lower() == ".csv" and (asked.resume or asked.part.count > 1):
        raise InputError(f"{out}: parts and what is resumed need a folder", hint="--out FOLDER")
    predictions.check_place(out, [model, *inputs])
    found = find_inputs(inputs, mask_suffix=asked.mask_suffix)
    return Request(model=model, found=found, out=out, asked=asked, backbone=backbone)


def check_backbone(place: Any) -> None:
    """Refuse a path at which no backbone can be."""
    if isinstance(place, str | Path) and not Path(place).exists():
        raise InputError(f"{place}: no such file or folder", hint="--backbone says where the weights are")


def check_explanation(model: Path, image: Path, out: Path, *, backbone: Any = None) -> None:
    """Refuse a model that is not explained, an image that is none or several, and a place of other files.

    Raises
    ------
    InputError
    """
    record = read_model(model)
    if record["kind"] != "fusionmedclip":
        raise InputError(NOT_EXPLAINED, received=record["method"], hint="others have no prompts")
    check_backbone(backbone)
    refuse_volume(image)
    explanation_place.check_place(out)


def check_compared(normals: Sequence[Input], abnormals: Sequence[Input]) -> None:
    """Refuse inputs of which some are of both kinds, or too few for a comparison.

    Raises
    ------
    InputError
    """
    if both := {file for one in normals for file in one.files} & {
        file for one in abnormals for file in one.files
    }:
        received = ", ".join(sorted(map(str, both))[:3])
        raise InputError("given as normal and as abnormal", received=received, hint="give two folders")
    if len(normals) < 2 or len(abnormals) == 1:
        raise InputError(
            "too few images to compare methods on",
            received=f"{len(normals)} normal, {len(abnormals)} abnormal",
            allowed="two and more of each, or two normal ones alone",
        )
