"""Bits of a DICOM cell above those of the picture: overlays, signs, padding, or a header that is wrong."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from fusionmedclip.data import ReadSettings, read_image
from fusionmedclip.errors import InputError
from tests.data.reading.dicom.made import edited

STORED = np.linspace(0, 4095, 60).astype(np.uint16).reshape(6, 10)
SIGNED = np.linspace(-2048, 2047, 60).astype(np.int16).reshape(6, 10)
TWELVE = {"BitsStored": 12, "HighBit": 11}
FULL = ReadSettings(value_range=(0, 4095))
SIGNED_FULL = ReadSettings(value_range=(-2048, 2047))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLELossless])
@pytest.mark.parametrize(
    ("pixels", "bits"),
    [
        (STORED * 15, 12),  # 16 bits, of which 12 are told
        (STORED, 8),
        (STORED | 0x8000, 12),  # what may be an overlay, but nothing says so
        (SIGNED * 4, 12),  # beyond -2048 to 2047, with the signs of numbers that are
    ],
)
def test_values_beyond_the_bits_stored_are_refused(
    tmp_path: Path, write_dicom, pixels: np.ndarray, bits: int, syntax: str
) -> None:
    path = edited(write_dicom(tmp_path / "a.dcm", pixels, syntax=syntax), BitsStored=bits, HighBit=bits - 1)
    with pytest.raises(InputError, match=rf"(?s)a\.dcm: pixels need more bits .*BitsStored {bits}, values"):
        read_image(path)


def test_signs_may_fill_the_cell_or_not(tmp_path: Path, write_dicom) -> None:
    expected = (SIGNED.astype(float) + 2048) / 4095
    filled = write_dicom(tmp_path / "a.dcm", SIGNED, **TWELVE)
    np.testing.assert_allclose(read_image(filled, settings=SIGNED_FULL), expected, atol=1e-6)
    cut = write_dicom(tmp_path / "b.dcm", SIGNED & 0x0FFF, **TWELVE)
    np.testing.assert_allclose(read_image(cut, settings=SIGNED_FULL), expected, atol=1e-6)
    mixed = SIGNED.copy()
    mixed[0, 0] = 3000  # beside numbers with signs it is 3000, not -1096
    with pytest.raises(InputError, match=r"c\.dcm: pixels need more bits"):
        read_image(write_dicom(tmp_path / "c.dcm", mixed, **TWELVE))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [(15,), (12, 14)])
def test_overlays_that_the_header_places_are_taken_out(
    tmp_path: Path, write_dicom, bits: tuple, signed: bool
) -> None:
    drawn = (SIGNED if signed else STORED).copy()
    planes = sum(1 << bit for bit in bits)
    drawn.view(np.uint16)[2:4, 3:8] ^= planes
    path = write_dicom(tmp_path / "a.dcm", drawn, **TWELVE)
    dataset = pydicom.dcmread(path)
    for number, bit in enumerate(bits):
        dataset.add_new((0x6000 + 2 * number, 0x0100), "US", 16)
        dataset.add_new((0x6000 + 2 * number, 0x0102), "US", bit)
    dataset.save_as(path)
    grey = read_image(path, settings=SIGNED_FULL if signed else FULL)
    np.testing.assert_allclose(grey, STORED / 4095, atol=1.1 / 4095 if signed else 1e-6)


@pytest.mark.parametrize(("vr", "padding"), [("US", 63536), ("SS", -2000)])
def test_padding_that_the_bits_cannot_hold(tmp_path: Path, write_dicom, vr: str, padding: int) -> None:
    tissue = np.full((6, 10), 2096, np.uint16)  # 63536 and -2000 in the lower twelve bits
    tissue[:, 5:] = 3000
    outside = tissue.copy()
    outside[:, 0] = 63536
    for name, pixels in (("none.dcm", tissue), ("some.dcm", outside)):
        path = write_dicom(tmp_path / name, pixels, **TWELVE)
        dataset = pydicom.dcmread(path)
        dataset.add_new(0x00280120, vr, padding)
        dataset.save_as(path)
        grey = read_image(path, settings=FULL)
        np.testing.assert_allclose(grey[:, 1:], tissue[:, 1:] / 4095, atol=1e-6)
        assert (grey[:, 0] == (0 if name == "some.dcm" else grey[0, 1])).all()


def test_padding_of_a_number_no_cell_holds(tmp_path: Path, write_dicom) -> None:
    stored = np.arange(60, dtype=np.uint8).reshape(6, 10)
    path = write_dicom(tmp_path / "a.dcm", stored)
    dataset = pydicom.dcmread(path)
    dataset.add_new(0x00280120, "US", 65286)  # 6 in eight bits
    dataset.save_as(path)
    np.testing.assert_allclose(read_image(path), stored / 255, atol=1e-7)
