"""More or fewer pixels than a DICOM header says, and files that grow when they are read."""

import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from fusionmedclip.data import read_image
from fusionmedclip.data.reading.volumes import slice_count
from fusionmedclip.errors import InputError
from tests.data.reading.dicom.made import edited, jpeg, write_streams

RAMP = np.add.outer(np.arange(48) % 3, 4 * np.arange(64)).astype(np.uint8)
WINDOW = {"WindowCenter": 128, "WindowWidth": 256}


@pytest.mark.parametrize(
    "says",
    [
        {"Rows": 24},
        {"Rows": 47},
        {"Columns": 63},
        {"Rows": 24, "Columns": 32},
        {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
        {"NumberOfFrames": None},
    ],
)
def test_pixels_that_the_header_does_not_know_of_are_refused(tmp_path: Path, write_dicom, says: dict) -> None:
    pixels = RAMP.astype(np.uint16)
    if "NumberOfFrames" in says:
        pixels = np.stack([pixels] * 4)
    path = edited(write_dicom(tmp_path / "a.dcm", pixels), **says)
    with pytest.raises(
        InputError, match=r"a\.dcm: the header does not describe the pixels\n.*bytes of pixels"
    ):
        read_image(path)


@pytest.mark.parametrize("spare", [1, 2, 6])
def test_a_few_bytes_of_padding_are_harmless(tmp_path: Path, write_dicom, spare: int) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP[:, :63])  # 3,024 bytes
    expected = read_image(path)
    dataset = pydicom.dcmread(path)
    dataset.PixelData += bytes(spare)
    dataset.save_as(path)
    np.testing.assert_array_equal(read_image(path), expected)
    odd = write_dicom(tmp_path / "odd.dcm", RAMP[:3, :3])  # 9 bytes and the one that fills them up
    np.testing.assert_allclose(read_image(odd), RAMP[:3, :3] / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("says", "text"),
    [
        ({"Rows": 24}, "the compressed picture is of another size"),
        ({"Rows": 47}, "the compressed picture is of another size"),
        ({"Columns": 60}, "the compressed picture is of another size"),
        ({"Rows": 60}, "the compressed picture is of another size"),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, "cannot be read"),
    ],
)
def test_runs_of_another_length_are_refused(tmp_path: Path, write_dicom, says: dict, text: str) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint16), syntax=RLELossless, **WINDOW)
    np.testing.assert_allclose(read_image(path), RAMP / 255, atol=1e-6)
    with pytest.raises(InputError, match=rf"a\.dcm: {text}"):
        read_image(edited(path, **says))


@pytest.mark.parametrize("packing", ["jpeg", "rle"])
@pytest.mark.parametrize(("held", "said"), [(3, None), (3, 2), (1, 3), (3, 4)])
def test_frames_are_counted(tmp_path: Path, write_dicom, packing: str, held: int, said: int | None) -> None:
    if packing == "jpeg":
        streams = [jpeg(np.full((48, 64), 40 * n, np.uint8)) for n in range(held)]
        path = write_streams(write_dicom, tmp_path / "a.dcm", streams, JPEGBaseline8Bit, like=RAMP)
    else:
        pixels = np.stack([RAMP] * held) if held > 1 else RAMP
        path = write_dicom(tmp_path / "a.dcm", pixels, syntax=RLELossless)
    right = edited(path, NumberOfFrames=held)
    assert read_image(right).shape == (48, 64)
    assert slice_count(right) == held
    with pytest.raises(InputError, match=r"a\.dcm: holds another number of frames") as error:
        read_image(edited(path, NumberOfFrames=said))
    assert f"{held} frames, NumberOfFrames {said or 'missing'}" in str(error.value)


def test_a_frame_may_lie_in_several_fragments(tmp_path: Path, write_dicom) -> None:
    path = write_streams(write_dicom, tmp_path / "a.dcm", [jpeg(RAMP)], JPEGBaseline8Bit, like=RAMP)
    expected = read_image(path)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = pydicom.encaps.encapsulate([jpeg(RAMP)], fragments_per_frame=3)
    dataset.save_as(path)
    np.testing.assert_array_equal(read_image(path), expected)


def test_two_streams_in_one_frame_are_refused(tmp_path: Path, write_dicom) -> None:
    streams = [jpeg(RAMP) + jpeg(RAMP)]
    path = write_streams(write_dicom, tmp_path / "a.dcm", streams, JPEGBaseline8Bit, like=RAMP)
    with pytest.raises(InputError, match=r"a\.dcm: several pictures in one compressed frame"):
        read_image(path)


def test_a_deflated_file_that_grows_is_refused_before_it_has_grown(tmp_path: Path, write_dicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    np.testing.assert_allclose(read_image(path), RAMP / 255, atol=1e-7)
    whole = path.read_bytes()
    start = 144 + pydicom.dcmread(path).file_meta.FileMetaInformationGroupLength
    inside = zlib.decompress(whole[start:], -zlib.MAX_WBITS)
    private = b"\x09\x00\x10\x10OB\0\0" + (300 << 20).to_bytes(4, "little")
    at = inside.index(b"\x10\x00\x10\x00PN")  # the group of the patient follows group 0009
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    packed = [packer.compress(inside[:at] + private)]
    packed += [packer.compress(bytes(1 << 20)) for _ in range(300)]
    packed += [packer.compress(inside[at:]), packer.flush()]
    path.write_bytes(whole[:start] + b"".join(packed))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"a\.dcm: a deflated file that holds more than 256 MiB"):
            read_image(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_meta_element_that_claims_gigabytes_asks_for_none(tmp_path: Path, write_dicom) -> None:
    """pydicom's own reading of the meta information asks for what the length says."""
    path = write_dicom(tmp_path / "a.dcm", np.arange(64, dtype=np.uint16).reshape(8, 8))
    data = path.read_bytes()
    place = data.index(b"\x02\x00\x01\x00OB") + 8  # FileMetaInformationVersion, length in four bytes
    path.write_bytes(data[:place] + (3 * 10**9).to_bytes(4, "little") + data[place + 4 :])
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"a\.dcm"):
            read_image(path)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()
