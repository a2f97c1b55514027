"""The lists of a published split, read line by line.

The form is that of MediCLIP's archives, which hold ``samples/train.json`` and ``samples/test.json``: a line
of JSON an image, ``{"filename": "test/abnormal/image_97.jpg", "label": 1}``, with ``"mask"`` where there is
an outline.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fusionmedclip.data.problems import Problems
from fusionmedclip.documents import parse_json
from fusionmedclip.errors import InputError

__all__ = ["Sample", "read_samples"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One line of a published list.

    Attributes
    ----------
    file, mask : str
        As published, with forward slashes; the mask is empty where there is none.
    label : int
        0 normal, 1 abnormal.
    part : str
        ``support`` or ``test``.
    line : str
        List and number of the line, for messages.
    """

    file: str
    label: int
    part: str
    line: str
    mask: str = ""


def read_samples(path: Path, part: str, problems: Problems) -> list[Sample]:
    """Read one list; lines that cannot be used become problems.

    Parameters
    ----------
    path : Path
    part : {"support", "test"}
        Support images must be normal, and may leave out their label.
    problems : Problems

    Raises
    ------
    InputError
        If there is no such file, or it is not text.
    """
    hint = "docs/data.md says where the published split comes from"
    if not path.is_file():
        raise InputError(f"{path}: no such list of {part} images", hint=hint)
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text", hint=hint) from error
    samples: list[Sample] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                samples.append(_sample(line, part, f"{path}, line {number}"))
            except InputError as error:
                problems.add(error)
    if not samples:
        problems.add(InputError(f"{path}: lists no {part} image", hint=hint))
    return samples


def _sample(line: str, part: str, where: str) -> Sample:
    shape = '{"filename": "test/abnormal/image_97.jpg", "label": 1}'
    try:
        entry = parse_json(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON, or a key twice", received=line[:80], allowed=shape) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        raise InputError(f"{where}: no `filename`", received=line[:80], allowed=shape)
    label = entry.get("label", 0 if part == "support" else None)
    allowed = {"support": (0,), "test": (0, 1)}[part]
    if type(label) is not int or label not in allowed:  # true and 1.0 equal 1
        kinds = "0 (normal), or none" if part == "support" else "0 (normal) or 1 (abnormal)"
        raise InputError(f"{where}: `label` of a {part} image", received=label, allowed=kinds)
    mask = entry.get("mask") or ""
    if not isinstance(mask, str):
        raise InputError(f"{where}: `mask` is no file name", received=mask)
    return Sample(
        file=_relative(entry["filename"], where),
        label=label,
        part=part,
        line=where,
        mask=_relative(mask, where) if mask else "",
    )


def _relative(name: str, where: str) -> str:
    """A name with forward slashes that stays below the folder that it is relative to."""
    path = PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/")))
    if not path.name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise InputError(f"{where}: not a file below the folder of the images", received=name)
    return path.as_posix()
