"""Archives, and the counts of pixels that metrics are made of, as the fuzz test reads them."""

import io
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from fusionmedclip.data.acquisition.unpack import UnpackLimits, unpack
from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.errors import InputError
from fusionmedclip.metrics import PixelCounts
from fusionmedclip.randomness import generator
from tests.fuzz.images import picture
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

LIMITS = UnpackLimits(bytes=2**24, files=100)
FILES = {
    "set/normal/a.png": bytes(range(256)) * 8,
    "set/ill/b.png": b"b" * 3000,
    "set/list.csv": b"path,label\n",
}


def _zips(folder: Path) -> list[Path]:
    packings = {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED, "lzma": zipfile.ZIP_LZMA}
    for name, packing in packings.items():
        with zipfile.ZipFile(folder / f"{name}.zip", "w", packing) as archive:
            for path, content in FILES.items():
                archive.writestr(path, content)
    return sorted(folder.iterdir())


def _tars(folder: Path) -> list[Path]:
    for packing in ("", "gz", "bz2", "xz"):
        with tarfile.open(folder / f"a.tar.{packing}".rstrip("."), f"w:{packing}") as archive:
            for path, content in FILES.items():
                info = tarfile.TarInfo(path)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return sorted(folder.iterdir())


def _counts(folder: Path) -> list[Path]:
    rng = generator(0, "fuzz counts")
    counts = PixelCounts()
    counts.update(rng.random((2, 16, 16), np.float32), rng.random((2, 16, 16)) > 0.8)
    counts.save(folder / "counts.npz")
    return [folder / "counts.npz"]


def _data_set(folder: Path) -> list[Path]:
    for n in range(4):
        place = folder / ("normal" if n < 2 else "ill") / f"{n}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(picture(n)).save(place)
        if n >= 2:
            Image.fromarray((picture(n) > 150).astype(np.uint8) * 255).save(place.with_name(f"{n}_mask.png"))
    return [folder / "ill" / "2.png", folder / "ill" / "3_mask.png"]


def _check(file: Path, out: Path) -> None:
    """The whole set with the damaged file in its place: a report of text only, whatever lies there."""
    root, place = file.parents[1], re.sub(r"^damaged_\d+_", "", file.name)
    shutil.copytree(root, out / "set", ignore=shutil.ignore_patterns("damaged_*"))
    shutil.copyfile(file, out / "set" / file.parent.name / place)
    classes = {"normal": ["normal"], "abnormal": ["ill"]}
    report = check_dataset({"kind": "folder", "path": str(out / "set"), **classes})
    report.text().encode("utf-8")
    if not report.usable:
        raise InputError(report.text())


TARGETS = (
    Target(
        name="ZIP",
        write=_zips,
        read=lambda f, out: unpack(f, out / "set", limits=LIMITS),
        tokens=(b"../", b"PK\1\2", b"/"),
    ),
    Target(
        name="TAR",
        write=_tars,
        read=lambda f, out: unpack(f, out / "set", limits=LIMITS),
        tokens=(b"../", b"ustar", b"L"),
    ),
    Target(
        name="pixel counts",
        write=_counts,
        read=lambda file, _: PixelCounts.load(file),
        tokens=(b"descr", b"|O", b"(9,)"),
    ),
    Target(name="data set", write=_data_set, read=_check),
)
