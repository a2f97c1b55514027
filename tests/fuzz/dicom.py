"""DICOM files and series, as the fuzz test reads them."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from fusionmedclip.data import ReadSettings, read_image, read_mask
from fusionmedclip.data.curation.mask_looks import mask_look
from fusionmedclip.data.curation.statistics import describe
from fusionmedclip.data.reading.volumes import read_volume, slice_count
from tests.fuzz.images import picture
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

DEEP = picture().astype(np.uint16) * 16
TOKENS = (
    b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00OW", b"\x28\x00\x52\x10DS",
    b"SQ\0\0\xff\xff\xff\xff", b"UN\0\0\xff\xff\xff\xff", b"nan", b"1e999", b"\\", b"-1",
)  # fmt: skip


def _dataset(pixels: np.ndarray, **attributes) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3.4"
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    if pixels.ndim == 3 and not colour:
        dataset.NumberOfFrames = len(pixels)
    dataset.Rows, dataset.Columns = pixels.shape[:2] if colour or pixels.ndim == 2 else pixels.shape[1:]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    if pixels.dtype.kind == "f":
        dataset.FloatPixelData = pixels.tobytes()
    else:
        dataset.BitsStored, dataset.HighBit = dataset.BitsAllocated, dataset.BitsAllocated - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _table() -> Dataset:
    table = Dataset()
    table.add_new(0x00283002, "US", [256, 0, 16])
    table.add_new(0x00283006, "US", [200 * n for n in range(256)])
    return table


def _palette() -> dict:
    names = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
    shades = {f"{name}Descriptor": [256, 0, 8] for name in names}
    tables = {f"{name}Data": bytes(range(256)) for name in names}
    return {"PhotometricInterpretation": "PALETTE COLOR", **shades, **tables}


def _frames() -> Dataset:
    measures, outer = Dataset(), Dataset()
    measures.PixelSpacing, measures.RescaleSlope, measures.RescaleIntercept = [2.0, 1.0], 2, -50
    outer.PixelMeasuresSequence = [measures]
    stack = np.stack([picture(n).astype(np.int16) for n in range(3)])
    return _dataset(stack, SharedFunctionalGroupsSequence=[outer])


def _files(folder: Path) -> list[Path]:
    window = {"WindowCenter": 900, "WindowWidth": 1500, "RescaleSlope": 1, "RescaleIntercept": -1024}
    made = {
        "plain": _dataset(DEEP, PixelPaddingValue=0, **window),
        "eight": _dataset(picture(), VOILUTSequence=[_table()], PixelAspectRatio=[3, 2]),
        "modality": _dataset(picture(), ModalityLUTSequence=[_table()]),
        "colour": _dataset(np.stack([picture(n) for n in range(3)], axis=-1)),
        "palette": _dataset(picture(), **_palette()),
        "float": _dataset(picture().astype(np.float32), FloatPixelPaddingValue=-1.0),
        "frames": _frames(),
    }
    packed = {"rle": RLELossless, "j2k": JPEG2000Lossless, "jls": JPEGLSLossless}
    for name, syntax in packed.items():
        made[name] = _dataset(DEEP)
        made[name].compress(syntax)
    for name, syntax in {
        "implicit": ImplicitVRLittleEndian,
        "deflated": DeflatedExplicitVRLittleEndian,
    }.items():
        made[name] = _dataset(DEEP)
        made[name].file_meta.TransferSyntaxUID = syntax
    for name, dataset in made.items():
        dataset.save_as(folder / f"{name}.dcm", enforce_file_format=True)
    return sorted(folder.iterdir())


def _read(file: Path, _: Path) -> None:
    """All that is done to one file; values below 0 are no mask's."""
    describe(file, read_image(file))
    if file.stem not in ("plain", "frames"):
        read_mask(file)
    mask_look(file, ReadSettings())
    read_volume(file)
    slice_count(file)


def _series(folder: Path) -> list[Path]:
    for n in range(3):
        place = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 2.5 * n]}
        slice_of = _dataset(picture(n, (16, 20)).astype(np.int16), SeriesInstanceUID="1.2.3", **place)
        slice_of.save_as(folder / f"{n}.dcm", enforce_file_format=True)
    return [folder / "1.dcm"]


def _read_series(file: Path, out: Path) -> None:
    """The damaged slice in place of its whole one."""
    series = out / "series"
    series.mkdir()
    for name in ("0.dcm", "2.dcm"):
        (series / name).write_bytes((file.parent / name).read_bytes())
    (series / file.name).write_bytes(file.read_bytes())
    describe(series, read_image(series))
    read_volume(series)


TARGETS = (
    Target(name="DICOM", write=_files, read=_read, tokens=TOKENS),
    Target(name="DICOM series", write=_series, read=_read_series, tokens=TOKENS),
)
