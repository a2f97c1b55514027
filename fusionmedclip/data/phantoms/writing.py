"""Phantoms as folders: an anomaly data set with masks, and captioned pictures in ROCO's layout."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from fusionmedclip.data.phantoms.drawing import MODALITIES, Phantom, draw_for, draw_phantom
from fusionmedclip.errors import InputError
from fusionmedclip.outputs import whole_folder

__all__ = ["write_phantom_captions", "write_phantom_dataset"]

_TABLES = {"train": "traindata.csv", "validation": "valdata.csv", "test": "testdata.csv"}


def write_phantom_dataset(
    folder: str | os.PathLike, modality: str, *, size: int, n_normal: int, n_abnormal: int, seed: int
) -> None:
    """Write an anomaly data set: ``normal/*.png``, ``abnormal/*.png`` and ``masks/*.png``.

    Pictures are 8-bit grey. ``masks/abnormal_0007.png`` (0 or 255) belongs to
    ``abnormal/abnormal_0007.png``; normal pictures have no mask file.

    Parameters
    ----------
    folder : path
        Absent or empty; appears complete or not at all.
    modality : str
        One of ``MODALITIES``.
    size : int
        Side in pixels, 64 to 512.
    n_normal, n_abnormal : int
        How many of each; numbers 0 to n - 1 are drawn.
    seed : int

    Raises
    ------
    InputError
        If the folder holds something, or as :func:`draw_phantom` does.
    """
    _check_counts(n_normal=n_normal, n_abnormal=n_abnormal)
    jobs = [(False, i) for i in range(n_normal)] + [(True, i) for i in range(n_abnormal)]
    with _complete_folder(Path(folder)) as target:
        for name in ("normal", "abnormal", "masks"):
            (target / name).mkdir()
        for lesion, index in _progress(jobs, f"drawing {modality}"):
            phantom = draw_phantom(modality, size=size, lesion=lesion, seed=seed, index=index)
            label = "abnormal" if lesion else "normal"
            name = f"{label}_{index:04d}.png"
            _write(target / label / name, _grey(phantom))
            if lesion:
                _write(target / "masks" / name, phantom.mask.astype(np.uint8) * 255)


def write_phantom_captions(
    folder: str | os.PathLike, *, size: int, n_train: int, n_validation: int, n_test: int, seed: int
) -> None:
    """Write captioned pictures of all modalities in the layout of ROCO version 1.

    ``{train,validation,test}/radiology/`` holds ``captions.txt`` (id, tab, caption),
    ``traindata.csv``, ``valdata.csv`` or ``testdata.csv`` (id, name, caption) and ``images/``.
    Modalities take turns, and half of the pictures show a lesion. The draws differ from those of
    :func:`write_phantom_dataset` whatever the seed, so nothing that is pre-trained on is tested on.

    Parameters
    ----------
    folder : path
        Absent or empty; appears complete or not at all.
    size : int
        Side in pixels, 64 to 512.
    n_train, n_validation, n_test : int
        Pictures in each part.
    seed : int

    Raises
    ------
    InputError
        If the folder holds something, a count is negative, or the size is out of range.
    """
    counts = {"train": n_train, "validation": n_validation, "test": n_test}
    _check_counts(**counts)
    with _complete_folder(Path(folder)) as target:
        for part, count in counts.items():
            home = target / part / "radiology"
            (home / "images").mkdir(parents=True)
            rows = []
            for number in _progress(range(count), f"drawing captioned {part} pictures"):
                phantom = _captioned(part, number, size=size, seed=seed)
                identity = f"phantom_{part}_{number:05d}"
                _write(home / "images" / f"{identity}.jpg", _grey(phantom))
                rows.append((identity, f"{identity}.jpg", phantom.caption))
            _write_captions(home, _TABLES[part], rows)


def _captioned(part: str, number: int, *, size: int, seed: int) -> Phantom:
    turn, modality = divmod(number, len(MODALITIES))
    lesion, index = bool(turn % 2), turn // 2
    purpose = (int(seed), "phantom captions", part)
    return draw_for(purpose, MODALITIES[modality], size=size, lesion=lesion, index=index)


def _write_captions(home: Path, table: str, rows: list[tuple[str, str, str]]) -> None:
    lines = (f"{identity}\t{caption}\n" for identity, _, caption in rows)
    (home / "captions.txt").write_text("".join(lines), encoding="utf-8", newline="\n")
    with (home / table).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "name", "caption"), *rows])


def _grey(phantom: Phantom) -> np.ndarray:
    return np.rint(phantom.image * 255).astype(np.uint8)


def _write(path: Path, image: np.ndarray) -> None:
    done, data = cv2.imencode(
        path.suffix, image, [cv2.IMWRITE_JPEG_QUALITY, 95] if path.suffix == ".jpg" else []
    )
    if not done:
        raise InputError("a picture could not be encoded", received=str(path))
    path.write_bytes(data.tobytes())


def _progress(jobs: Sequence, description: str) -> Iterable:
    console = Console(stderr=True)
    return track(jobs, description, console=console, transient=True, disable=not console.is_terminal)


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 0:
            raise InputError(f"{name} must not be negative", received=value, allowed="0 or more")


@contextmanager
def _complete_folder(folder: Path) -> Iterator[Path]:
    """A hidden sibling to fill, renamed to ``folder`` at the end and removed on any failure."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            "the folder for phantoms is not empty",
            received=str(folder),
            allowed="a folder that does not exist yet or is empty",
            hint="remove it or name another",
        )
    with whole_folder(folder) as partial:
        yield partial
