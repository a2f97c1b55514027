"""Lookup tables and palettes whose descriptor is wrong; expected values by hand."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from fusionmedclip.data import ReadSettings, read_image
from fusionmedclip.errors import InputError

STORED = np.linspace(0, 4095, 60).astype(np.uint16).reshape(6, 10)
HU = {"RescaleSlope": 1, "RescaleIntercept": -1024}
TWELVE = {"BitsStored": 12, "HighBit": 11}
RISING = np.linspace(0, 65535, 4096).astype(np.uint16)
COLOURS = ("Red", "Green", "Blue")


def _table(first: int, vr: str, data: np.ndarray, *, count: int | None = None, bits: int = 16) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, vr, [len(data) if count is None else count, first, bits])
    item.add_new(0x00283006, "OW", data.tobytes())
    return item


def _palette(data: np.ndarray, *, count: int, bits: int, first: int = 0) -> dict:
    names = [f"{colour}PaletteColorLookupTable" for colour in COLOURS]
    tables = {f"{name}Data": data.tobytes() for name in names}
    return {**{f"{name}Descriptor": [count, first, bits] for name in names}, **tables}


@pytest.mark.parametrize(
    ("pixels", "attributes", "first", "vr"),
    [
        (STORED, HU, 64512, "US"),  # -1024 without its sign
        (STORED, HU, -1024, "SS"),
        (STORED.astype(np.int16) - 2048, {"BitsStored": 12}, 63488, "US"),  # -2048
        (STORED.astype(np.int16) - 2048, {"BitsStored": 12}, -2048, "SS"),
        (STORED + 40000, {"BitsStored": 16, "HighBit": 15}, 40000, "US"),
        (STORED + 40000, {"BitsStored": 16, "HighBit": 15}, 40000 - 65536, "SS"),  # with one it has not
    ],
)
def test_first_input_of_the_other_sign(tmp_path: Path, write_dicom, pixels, attributes, first, vr) -> None:
    attributes = {**TWELVE, **attributes, "VOILUTSequence": [_table(first, vr, RISING)]}
    grey = read_image(write_dicom(tmp_path / "a.dcm", pixels, **attributes))
    np.testing.assert_allclose(grey, RISING[STORED] / 65535, atol=1e-6)


@pytest.mark.parametrize(
    ("data", "bits", "count", "says"),
    [
        (RISING, 8, 4096, "8 bits, entries up to 65535"),
        (np.arange(4096, dtype=np.uint16), 16, 4096, "16 bits, entries up to 4095"),
        (RISING, 12, 4096, "12 bits, entries up to 65535"),
        (RISING[:4000], 16, 4096, "4000 entries, 4096"),
        (RISING, 16, 0, "4096 entries, 65536"),
    ],
)
def test_a_table_that_is_not_as_it_says(tmp_path: Path, write_dicom, data, bits, count, says) -> None:
    item = _table(0, "US", data, count=count, bits=bits)
    path = write_dicom(tmp_path / "a.dcm", STORED, **TWELVE, VOILUTSequence=[item])
    with pytest.raises(InputError, match=rf"(?s)a\.dcm: a lookup table .*{says}"):
        read_image(path)
    grey = read_image(path, settings=ReadSettings(value_range=(0, 4095)))  # as the hint says
    np.testing.assert_allclose(grey, STORED / 4095, atol=1e-6)


def test_a_table_beside_the_values_is_refused(tmp_path: Path, write_dicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", STORED, **TWELVE, VOILUTSequence=[_table(5000, "US", RISING)])
    with pytest.raises(InputError, match=r"(?s)a\.dcm: a lookup table for other values.*0 to 4095"):
        read_image(path)


@pytest.mark.parametrize(
    ("data", "bits"),
    [
        (np.arange(256, dtype=np.uint16) * 257, 16),
        (np.arange(256, dtype=np.uint16), 16),  # eight bits in words of sixteen
        (np.arange(256, dtype=np.uint16), 8),
        (np.arange(256, dtype=np.uint8), 8),
    ],
)
def test_palettes_of_eight_and_sixteen_bits(tmp_path: Path, write_dicom, data: np.ndarray, bits: int) -> None:
    stored = np.linspace(0, 255, 60).astype(np.uint8).reshape(6, 10)
    attributes = _palette(data, count=256, bits=bits)
    path = write_dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation="PALETTE COLOR", **attributes)
    np.testing.assert_allclose(read_image(path), stored / 255, atol=1e-6)


def test_palette_of_many_colours_of_eight_bits(tmp_path: Path, write_dicom) -> None:
    data = (np.arange(4096) // 16).astype(np.uint8)
    attributes = {**TWELVE, **_palette(data, count=4096, bits=8)}
    path = write_dicom(tmp_path / "a.dcm", STORED, PhotometricInterpretation="PALETTE COLOR", **attributes)
    np.testing.assert_allclose(read_image(path), (STORED // 16) / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("data", "count", "bits"),
    [
        (np.arange(256, dtype=np.uint16) * 16, 256, 16),  # twelve bits: a sixteenth of the brightness
        (np.arange(200, dtype=np.uint16) * 257, 256, 16),
        (np.arange(256, dtype=np.uint16) * 257, 256, 8),
    ],
)
def test_a_palette_that_is_not_as_it_says_is_refused(tmp_path: Path, write_dicom, data, count, bits) -> None:
    stored = np.linspace(0, 255, 60).astype(np.uint8).reshape(6, 10)
    attributes = _palette(data, count=count, bits=bits)
    path = write_dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation="PALETTE COLOR", **attributes)
    with pytest.raises(InputError, match=r"a\.dcm: a lookup table"):
        read_image(path)
