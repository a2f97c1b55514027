"""Compressed frames that are not what the DICOM header says of them."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless

from fusionmedclip.data import ReadSettings, read_image
from fusionmedclip.errors import InputError
from tests.data.reading.dicom.made import edited, jpeg, jpeg2000, write_streams

RAMP = np.tile(4 * np.arange(64), (48, 1)).astype(np.uint8)
RED = np.stack([RAMP, 0 * RAMP, 0 * RAMP], axis=-1)
DEEP = RAMP.astype(np.uint16) * 16
LUMA = 0.299 * RAMP / 255  # ITU-R BT.601
COLOUR = {"JPEG": JPEGBaseline8Bit, "J2K": JPEG2000Lossless}


def _adobe(stream: bytes, transform: int, *, first: int = 1) -> bytes:
    """Adobe's marker in place of JFIF's, and the number of the first component."""
    stream = stream[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform]) + stream[20:]
    for marker, step in ((b"\xff\xc0", 3), (b"\xff\xda", 2)):
        at = stream.index(marker) + (10 if step == 3 else 5)
        for number in range(3):
            stream = stream[: at + step * number] + bytes([first + number]) + stream[at + step * number + 1 :]
    return stream


@pytest.mark.parametrize(
    ("stream", "syntax", "like", "says"),
    [
        (jpeg(RED), "JPEG", RAMP, "other samples"),
        (jpeg(RAMP), "JPEG", RED, "other samples"),
        (jpeg2000(RED), "J2K", RAMP, "other samples"),
        (jpeg2000(DEEP), "J2K", RAMP, "other samples"),
        (jpeg(RAMP[:40]), "JPEG", RAMP, "another size"),
        (jpeg2000(RAMP[:40]), "J2K", RAMP, "another size"),
    ],
)
def test_samples_and_sizes_have_to_agree(tmp_path: Path, write_dicom, stream, syntax, like, says) -> None:
    path = write_streams(write_dicom, tmp_path / "a.dcm", [stream], COLOUR[syntax], like=like)
    with pytest.raises(InputError, match=rf"a\.dcm: the compressed picture (has|is of) {says}"):
        read_image(path)


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_a_part_of_a_jpeg_is_refused(tmp_path: Path, write_dicom, picture, end: bytes) -> None:
    pixels = picture(3, (48, 64))
    path = write_streams(write_dicom, tmp_path / "a.dcm", [jpeg(pixels)], JPEGBaseline8Bit, like=pixels)
    np.testing.assert_allclose(read_image(path), pixels / 255, atol=3 / 255)
    part = jpeg(pixels)[: len(jpeg(pixels)) // 2] + end
    path = write_streams(write_dicom, tmp_path / "a.dcm", [part], JPEGBaseline8Bit, like=pixels)
    with pytest.raises(InputError, match=r"a\.dcm: a part of the JPEG's picture is missing"):
        read_image(path)


def test_bits_that_wrap_in_the_cell_are_refused(tmp_path: Path, write_dicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", DEEP, syntax=JPEGLSLossless)
    with pytest.raises(InputError, match=r"(?s)has other samples .*1 of 16 bits; 1 in cells of 8"):
        read_image(edited(path, BitsAllocated=8, BitsStored=8, HighBit=7))


@pytest.mark.parametrize(
    ("said", "mct", "readable"),
    [
        ("RGB", 1, True),
        ("YBR_RCT", 1, True),
        ("YBR_FULL", 1, False),  # turned to RGB by the decoder, and once more by the reader
        ("RGB", 0, True),
        ("YBR_RCT", 0, False),
    ],
)
def test_transform_of_jpeg_2000(tmp_path: Path, write_dicom, said: str, mct: int, readable: bool) -> None:
    path = write_streams(
        write_dicom, tmp_path / "a.dcm", [jpeg2000(RED, mct=mct)], JPEG2000Lossless, like=RED,
        PhotometricInterpretation=said,
    )  # fmt: skip
    if readable:
        np.testing.assert_allclose(read_image(path), LUMA, atol=0.6 / 255)
        return
    with pytest.raises(InputError, match=rf"(?s)a\.dcm: the compressed picture has other colours.*{said}"):
        read_image(path)


YCC = jpeg(RED, subsampling=0)


@pytest.mark.parametrize(
    ("stream", "said", "readable"),
    [
        (YCC, "YBR_FULL", True),
        (YCC, "YBR_FULL_422", True),
        (YCC, "RGB", True),  # JFIF's mark is believed
        (jpeg(RED, subsampling=0, keep_rgb=True), "RGB", True),
        (jpeg(RED, subsampling=0, keep_rgb=True), "YBR_FULL", True),  # components named R, G, B
        (_adobe(YCC, 1), "YBR_FULL", True),
        (_adobe(YCC, 1), "RGB", False),
        (_adobe(YCC, 0), "YBR_FULL", False),
    ],
)
def test_colours_of_jpeg(tmp_path: Path, write_dicom, stream: bytes, said: str, readable: bool) -> None:
    path = write_streams(
        write_dicom, tmp_path / "a.dcm", [stream], JPEGBaseline8Bit, like=RED, PhotometricInterpretation=said
    )
    if readable:
        np.testing.assert_allclose(read_image(path), LUMA, atol=3 / 255)
        return
    with pytest.raises(InputError, match=rf"(?s)a\.dcm: the compressed picture has other colours.*{said}"):
        read_image(path)


def test_rgb_under_the_wrong_mark_of_adobe(tmp_path: Path, write_dicom) -> None:
    """As in pydicom's SC_rgb_jpeg.dcm: components 0, 1, 2 that are RGB, as the header says."""
    plain = jpeg(RED, subsampling=0, keep_rgb=True)
    stream = _adobe(plain[:2] + bytes(18) + plain[18:], 1, first=0)
    path = write_streams(write_dicom, tmp_path / "a.dcm", [stream], JPEGBaseline8Bit, like=RED)
    np.testing.assert_allclose(read_image(path), LUMA, atol=3 / 255)


@pytest.mark.parametrize("bits", [12, 16])
def test_signs_of_jpeg_2000(tmp_path: Path, write_dicom, bits: int) -> None:
    """An unsigned stream of 16 bits under a signed header of 12: nobody knows what 3000 is."""
    like = DEEP.astype(np.int16)
    path = write_streams(
        write_dicom, tmp_path / "a.dcm", [jpeg2000(DEEP)], JPEG2000Lossless, like=like,
        BitsStored=bits, HighBit=bits - 1,
    )  # fmt: skip
    if bits == 16:
        grey = read_image(path, settings=ReadSettings(value_range=(0, 4080)))
        np.testing.assert_allclose(grey, DEEP / 4080, atol=1e-6)
        return
    with pytest.raises(InputError, match=r"a\.dcm: the compressed picture has other numbers"):
        read_image(path)
