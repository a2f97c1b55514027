"""Files of weights, recognised by their bytes and never by their suffix; objects are never unpickled."""

import json
import mmap
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import torch
from safetensors.torch import load_file, save_file

from fusionmedclip.data.files.folders import data_files
from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded, reading
from fusionmedclip.models.backbones.torchscript import read_torchscript
from fusionmedclip.outputs import whole_file

__all__ = ["find_weights", "read_safetensors", "read_stored", "write_safetensors"]

_AGAIN = "download or export it again"
_ALLOWED = "safetensors, a state dict, or OpenAI's TorchScript archive"
_NAMES = (
    "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
    "model.safetensors", "pytorch_model.bin",
)  # fmt: skip
"""Names of weights in a folder, the one meant first (open_clip's own order)."""
_DEFLATE = 1032  # bytes that one compressed byte can become at most (zlib's technical details)
_NUMBERS = ("INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2")
_PICKLES = 5  # magic number, version, system, tensors, names of storages
_POINTERS = (b"version https://git-lfs", b"/annex/objects/", b"oid sha256:")
_OTHERS = {
    b"\x89HDF": "HDF5, as Keras writes it",
    b"GGUF": "GGUF, as llama.cpp reads it",
    b"\x93NUMPY": "a NumPy array",
    b"\x1f\x8b": "a gzip archive; unpack it",
    b"%PDF": "a PDF",
}


def write_safetensors(
    tensors: Mapping[str, torch.Tensor], path: Path, *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors, whole or not at all, with the rights that any other new file gets.

    safetensors' own are the writer's alone.

    Raises
    ------
    InputError
        If one of them is not finite: no reader would take it.
    """
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise InputError(
            f"{path.name} is not written: weights are NaN or infinite",
            received=broken[:3],
            hint="training diverged at its end: lower the method's learning rates",
        )
    with whole_file(path) as temporary:
        temporary.touch()
        rights = temporary.stat().st_mode
        save_file(dict(tensors), temporary, metadata=None if metadata is None else dict(metadata))
        temporary.chmod(rights)


def find_weights(folder: Path) -> Path:
    """The file of weights in a folder of open_clip's or transformers' making.

    Raises
    ------
    InputError
        If there is none, or several and no name says which is meant.
    """
    suffixes = (".safetensors", ".bin", ".pt", ".pth")
    found = [path for path in data_files(folder, below=False) if path.suffix in suffixes]
    named = [folder / name for name in _NAMES if folder / name in found]
    if not named and len(found) != 1:
        raise InputError(
            f"{folder}: {'several files' if found else 'no file'} of weights in this folder",
            received=[path.name for path in found] or None,
            allowed=", ".join(_NAMES),
            hint="name the file under `pretrained`",
        )
    return (named or found)[0]


@guarded("safetensors", hint=_AGAIN)
def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file.

    Raises
    ------
    InputError
        If the file is missing, cut short, a pointer to a file elsewhere, or anything else.
    """
    path = Path(path)
    _refuse_strangers(path)
    _refuse_cut(path)
    return load_file(path)


@guarded("weights", hint=_AGAIN)
def read_stored(path: Path) -> Any:
    """What a file of weights holds, as it was stored: tensors by name, or wrappers around them.

    Raises
    ------
    InputError
        If the file is missing or broken, no file of weights, or holds objects other than tensors.
    """
    path = Path(path)
    _refuse_strangers(path)
    with path.open("rb") as file:
        head = file.read(9)
    if _is_safetensors(head):
        return read_safetensors(path)
    if head[:2] == b"PK":
        return _read_zip(path)
    if head[:1] == b"\x80":
        return _read_pickle(path)
    raise InputError(f"{path}: not a file of weights", received=head, allowed=_ALLOWED, hint=_AGAIN)


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes of length, whose last three are empty in a real one, and the JSON that they announce.

    Asked first: the lowest byte may be any, such as the one that begins a pickle, an archive or a page.
    """
    return head[5:9] == b"\0\0\0{"


def _read_zip(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    for entry in entries:
        most = (
            entry.compress_size
            if entry.compress_type == zipfile.ZIP_STORED
            else _DEFLATE * entry.compress_size
        )
        if entry.file_size > most or entry.compress_size > path.stat().st_size:
            raise InputError(f"{path}: cannot hold what it claims", received=f"{entry.file_size:,} bytes")
    names = {entry.filename.rpartition("/")[2] for entry in entries}
    if "constants.pkl" in names:  # TorchScript
        return read_torchscript(path)
    if "data.pkl" in names:
        with path.open("rb") as file:  # by its path, PyTorch would ask the suffix
            return _load(file, path)
    raise InputError(
        f"{path}: a ZIP archive that PyTorch did not write", received=sorted(names)[:5], allowed=_ALLOWED
    )


def _read_pickle(path: Path) -> Any:
    """A checkpoint as PyTorch wrote it before 1.6: pickles that name storages, then the storages."""
    # Mapped, since a file hands out as much memory as it is asked for, before it looks how much there is
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        mapped = cast(IO[bytes], data)  # it reads and seeks as a file does
        for _ in range(_PICKLES):
            number = 0
            for code, argument, _ in pickletools.genops(mapped):
                number = cast(int, argument) if code.name in _NUMBERS else number
                if code.name == "BINPERSID" and not 0 <= number <= len(data):  # the count before it is last
                    raise InputError(f"{path}: cannot hold what it claims", received=f"{number:,} numbers")
        data.seek(0)
        return _load(mapped, path)


def _load(file: IO[bytes], path: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" not in str(error):
            raise
        # PyTorch's own words advise to unpickle, which runs whatever the file says
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"objects of {named[1]}" if named else "something other than plain tensors"
        raise InputError(
            f"{path}: holds {what} beside plain tensors",
            allowed=_ALLOWED,
            hint="where it was made: torch.save(model.state_dict(), ...); pickled objects are never loaded",
        ) from None


def _refuse_strangers(path: Path) -> None:
    """Name what is downloaded or cloned in place of weights."""
    if not path.is_file():
        raise InputError("checkpoint not found", received=str(path), hint="give an existing file")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1024)
    if not size:
        raise InputError(f"{path}: empty file (0 bytes)", hint=_AGAIN)
    if _is_safetensors(head):
        return
    if head.startswith(_POINTERS):
        real = re.search(rb"size (\d+)", head)
        whole = f" of {int(real[1]) / 1e6:,.0f} MB" if real else ""
        raise InputError(
            f"{path}: a Git LFS pointer to the weights{whole}, not the weights",
            received=f"{size} bytes of text",
            hint="run `git lfs pull` in its repository, or download the file itself",
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<script")):
        raise InputError(
            f"{path}: a web page, not weights",
            hint="the download wanted a login or a confirmation: open its address in a browser",
        )
    if text.startswith((b"{", b"[")):
        what = "the list of a model's parts" if b"weight_map" in head else "JSON text"
        raise InputError(f"{path}: {what}, not weights", hint=_AGAIN)
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise InputError(f"{path}: not a file of PyTorch weights: {name}", allowed=_ALLOWED)


def _refuse_cut(path: Path) -> None:
    """Compare the sizes that a safetensors header states with the file's (8 bytes, JSON, tensors)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(9)
        length = int.from_bytes(head[:8], "little")
        if not _is_safetensors(head):
            raise InputError(f"{path}: not a file of weights", received=head, allowed=_ALLOWED, hint=_AGAIN)
        text = b"{" + file.read(length - 1) if 8 + length <= size else None
    expected = 8 + length
    if text is not None:
        with reading(path, "header of safetensors", hint=_AGAIN):
            entries = [entry for name, entry in json.loads(text).items() if name != "__metadata__"]
            expected += max((entry["data_offsets"][1] for entry in entries), default=0)
    if expected > size:
        received = f"{size:,} bytes, where its header speaks of {expected:,}"
        raise InputError(f"{path}: cut short", received=received, hint=_AGAIN)
