"""Data: a manifest with duplicates of 10,000 pictures, and a DICOM series of 200 slices.

Usage: ``python benchmarks/bench_data.py [--images 10000] [--folder DIR]``. Pictures are drawn once into the
folder (default: a temporary one) and are as hard to decode as ultrasound: speckle, 512 x 512, 8-bit PNG.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless, generate_uid
from rich.console import Console
from rich.table import Table

from fusionmedclip.randomness import generator

SIDE, SLICES = 512, 200

_CURATE = """
import sys
from fusionmedclip.data.curation.curate import curate
from fusionmedclip.data.sources.manifest import build_manifest
source = {"kind": "folder", "path": sys.argv[1], "normal": "no", "abnormal": "yes"}
manifest = build_manifest(source, dataset="bench")
if sys.argv[2] == "curate":
    curation, _ = curate(manifest, sys.argv[1], dataset="bench")
    assert curation.summary["duplicates"]["groups"] == len(manifest) // 10
"""

_SERIES = """
import sys
from pathlib import Path
from fusionmedclip.data.reading.volumes import read_volume
assert read_volume(Path(sys.argv[1])).slices.shape == (200, 512, 512)
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0] / os.cpu_count()
    title = f"Data; {os.cpu_count()} cores, already busy with {load:.1f} other jobs each"
    table = Table("what", "wall", "processor", "memory", "bar", "wall / bar", title=title)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        _measure_curation(table, folder, options.images)
        _measure_series(table, folder)
    Console(width=120).print(table)


def _measure_curation(table: Table, folder: Path, count: int) -> None:
    bar = 180 * count / 10_000
    root = str(_draw(folder / f"set{count}", count, SIDE))
    wall, work, memory = _run(_CURATE, root, "manifest")
    table.add_row(f"manifest with hashes of {count}", f"{wall:.0f} s", f"{work:.0f} s", f"{memory:.2f} GB")
    wall, work, memory = _run(_CURATE, root, "curate")
    cells = [f"{wall:.0f} s", f"{work:.0f} s", f"{memory:.2f} GB", f"{bar:.0f} s", f"{wall / bar:.2f}"]
    table.add_row("the same, with duplicates and curation", *cells)
    few = max(50, count // 20)
    for side in (SIDE, 2 * SIDE):
        wall, work, memory = _run(_CURATE, str(_draw(folder / f"few{few}_{side}", few, side)), "curate")
        row = f"the same for {few} of {side} x {side}"
        table.add_row(row, f"{wall:.0f} s", f"{work:.0f} s", f"{memory:.2f} GB")


def _measure_series(table: Table, folder: Path) -> None:
    for name, syntax in (("plain", None), ("RLE", RLELossless), ("JPEG 2000", JPEG2000Lossless)):
        root = _draw_series(folder / f"series_{name.replace(' ', '')}", syntax)
        wall, work, memory = min(_run(_SERIES, str(root)) for _ in range(3))
        cells = [f"{wall:.1f} s", f"{work:.1f} s", f"{memory:.2f} GB"]
        bar = ["5 s", f"{wall / 5:.2f}"] if syntax is None else []
        table.add_row(f"DICOM series of {SLICES} x {SIDE} x {SIDE}, {name}", *cells, *bar)


def _draw(root: Path, count: int, side: int) -> Path:
    """Speckled pictures; every tenth is a copy with another contrast of the one before."""
    if root.is_dir():
        return root
    for index in range(count):
        rng = generator(index - (index % 10 == 9), "bench pictures")
        coarse = Image.fromarray(rng.integers(20, 230, (12, 12)).astype(np.uint8))
        smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.float32)
        pixels = smooth * rng.rayleigh(0.6, (side, side)) * (0.9 if index % 10 == 9 else 1)
        target = root / ("no" if index % 3 else "yes") / f"{index:05d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(target, compress_level=1)
    return root


def _draw_series(root: Path, syntax: str | None) -> Path:
    """A CT of 12 bits with a window, a file a slice."""
    if root.is_dir():
        return root
    root.mkdir(parents=True)
    series = generate_uid()
    for index in range(SLICES):
        rng = generator(index, "bench slices")
        coarse = Image.fromarray(rng.normal(1000, 300, (24, 24)).astype(np.float32))
        smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        pixels = np.clip(smooth + rng.normal(0, 12, (SIDE, SIDE)), 0, 4095).astype(np.uint16)
        _write_slice(root / f"{index:04d}.dcm", pixels, index, series, syntax)
    return root


def _write_slice(path: Path, pixels: np.ndarray, index: int, series: str, syntax: str | None) -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.SeriesInstanceUID, dataset.InstanceNumber = series, index
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, float(index)]
    dataset.PixelSpacing = [0.7, 0.7]
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.PixelData = pixels.tobytes()
    if syntax is not None:
        dataset.compress(syntax)
    dataset.save_as(path, enforce_file_format=True)


def _run(code: str, *arguments: str) -> tuple[float, float, float]:
    """Wall and processor seconds and peak memory in GB of a process of its own, its start included."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"the measured process failed ({status})")
    work = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - start, work, usage.ru_maxrss * 1024 / 1e9  # kilobytes on Linux


if __name__ == "__main__":
    main()
