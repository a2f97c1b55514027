"""Unpack an archive without trusting it."""

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from fusionmedclip.data.files.folders import below, is_stray
from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.outputs import hidden_beside

__all__ = ["UnpackLimits", "unpack"]

_CHUNK = 1 << 20
_DEFLATE = 1032  # no stream of deflate grows by more


@dataclass(frozen=True, kw_only=True)
class UnpackLimits:
    """What an archive may at most hold.

    Attributes
    ----------
    bytes : int
        Unpacked size in total, counted while unpacking: headers can lie.
    files : int
    """

    bytes: int = 200 * 2**30
    files: int = 2_000_000


def unpack(archive: Path, folder: Path, *, strip: str = "", limits: UnpackLimits | None = None) -> int:
    """Unpack a ZIP or TAR (``.tar``, ``.gz``, ``.bz2``, ``.xz``) into a new folder.

    Parameters
    ----------
    archive : Path
    folder : Path
        Must not exist, or be empty; it appears only when everything is unpacked.
    strip : str
        Folder of the archive that becomes ``folder``; what lies outside of it is left out.
    limits : UnpackLimits, optional

    Returns
    -------
    int
        Number of files.

    Raises
    ------
    InputError
        When the archive is broken, an entry or ``strip`` would leave the folder, an entry is a link or a
        device, or a limit is passed. Nothing is left behind then.
    """
    with reading(archive, "archive", hint=_AGAIN):
        _check_kind(archive)
        return _unpack_whole(archive, folder, strip, limits or UnpackLimits())


def _unpack_whole(archive: Path, folder: Path, strip: str, limits: UnpackLimits) -> int:
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty", hint="move what is there, or give another folder")
    temporary = hidden_beside(folder)
    temporary.mkdir(parents=True)
    try:
        count = _unpack(archive, temporary / "all", limits)
        if not count:
            raise InputError(f"{archive}: holds no files", hint="is it the right archive? " + _AGAIN)
        inner = below(temporary / "all", strip, what="`strip`")
        if not inner.is_dir():
            found = ", ".join(sorted(item.name for item in (temporary / "all").iterdir())[:10])
            raise InputError(
                f"{archive}: holds no folder {strip!r}", allowed=found, hint="set `strip` to one of these"
            )
        if folder.exists():
            folder.rmdir()
        inner.replace(folder)
        return count if not strip else sum(item.is_file() for item in folder.rglob("*"))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack(archive: Path, folder: Path, limits: UnpackLimits) -> int:
    folder.mkdir()
    count = size = 0
    seen: set[PurePosixPath] = set()
    for name, stream in _entries(archive, limits):
        place = _inside(archive, name)
        if any(is_stray(part) for part in place.parts):
            continue
        if place in seen:
            raise InputError(f"{archive}: {name!r} is in it twice", hint=_DISTRUST)
        seen.add(place)
        count += 1
        if count > limits.files:
            hint = "raise the limit if this is right"
            raise InputError(f"{archive}: more than {limits.files} files", hint=hint)
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as handle:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > limits.bytes:
                    hint = "raise the limit if this is right"
                    raise InputError(f"{archive}: unpacks to more than {limits.bytes} bytes", hint=hint)
                handle.write(chunk)
    return count


def _entries(archive: Path, limits: UnpackLimits) -> Iterator[tuple[str, IO[bytes]]]:
    """Regular files of an archive; links and devices are refused, folders follow from the files."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as container:
            _check_sizes(archive, container, limits)
            for info in container.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                if info.filename and info.is_dir() and not info.file_size:
                    continue
                if info.filename and info.is_dir():
                    raise InputError(f"{archive}: {info.filename!r} is a folder with data", hint=_DISTRUST)
                if kind not in (0, stat.S_IFREG):
                    raise InputError(f"{archive}: {info.filename} is a link or a device", hint=_DISTRUST)
                with container.open(info) as stream:
                    yield info.filename, stream
        return
    with tarfile.open(archive, tarinfo=_Header) as container:
        for member in container:
            if member.isdir():
                continue
            if not member.isreg():
                raise InputError(f"{archive}: {member.name} is a link or a device", hint=_DISTRUST)
            yield member.name, cast(IO[bytes], container.extractfile(member))  # None is of what is no file
        _check_end(archive, container, limits)


class _Header(tarfile.TarInfo):
    """Of an entry. Instead of one there may be the zeros that end a TAR, but not the end of the file.

    ``tarfile`` takes both for the end, and a damaged header too: what is cut off is then never missed.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        """As in ``tarfile``."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # left out of the stub
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError("cut off or damaged: no end mark of a TAR where one is due") from error


def _check_end(archive: Path, container: tarfile.TarFile, limits: UnpackLimits) -> None:
    """Read on behind the last entry, since the checksum of the packing lies there."""
    rest = 0
    while chunk := container.fileobj.read(_CHUNK):
        rest += len(chunk)
        if rest > limits.bytes:
            raise InputError(f"{archive}: does not end after its last entry", hint=_DISTRUST)


def _check_kind(archive: Path) -> None:
    """Name what is no archive, or none that is unpacked, where the decoders would each say so in turn."""
    with archive.open("rb") as handle:
        start = handle.read(64)
    form = next((form for signature, form in _OTHERS.items() if start.startswith(signature)), "")
    if form:
        raise InputError(
            f"{archive}: cannot be read as archive ({form})",
            allowed="ZIP, TAR, and TAR in gzip, bzip2 or xz",
            hint="unpack it by hand" if form.startswith("it is") else "log in at its publisher and " + _AGAIN,
        )


def _check_sizes(archive: Path, container: zipfile.ZipFile, limits: UnpackLimits) -> None:
    """What the directory claims, before anything is written."""
    claimed = sum(info.file_size for info in container.infolist())
    if claimed > limits.bytes:
        hint = "raise the limit if this is right"
        raise InputError(f"{archive}: unpacks to more than {limits.bytes} bytes", received=claimed, hint=hint)
    for info in container.infolist():
        plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if plain and info.file_size > _DEFLATE * (info.compress_size + 1):
            raise InputError(
                f"{archive}: {info.filename!r} claims more than its bytes can hold",
                received=f"{info.file_size:,} bytes packed in {info.compress_size:,}",
                hint="delete the archive and download it again",
            )


_AGAIN = "delete it and download it again"
_OTHERS = {
    b"Rar!": "it is RAR",
    b"7z\xbc\xaf": "it is 7-Zip",
    b"\x28\xb5\x2f\xfd": "it is zstd",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
}
_DISTRUST = "an archive of images needs none; get it from its own publisher"


def _inside(archive: Path, name: str) -> PurePosixPath:
    """The entry's path below the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts:
        raise InputError(f"{archive}: a file without a name", received=name, hint=_DISTRUST)
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in name:
        raise InputError(f"{archive}: {name!r} would leave the folder", hint=_DISTRUST)
    return path
