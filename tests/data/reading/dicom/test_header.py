"""DICOM headers that say less, more or something else than they should; expected values by hand."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless

from fusionmedclip.data import ReadSettings, read_image
from fusionmedclip.data.reading.volumes import read_volume
from fusionmedclip.errors import InputError

STORED = np.linspace(24, 2024, 60).astype(np.uint16).reshape(6, 10)
WINDOW = {"WindowCenter": 40, "WindowWidth": 400}
ALL = ReadSettings(percentiles=(0, 100))
NAN, INF = float("nan"), float("inf")


def _without(path: Path, *keywords: str) -> Path:
    dataset = pydicom.dcmread(path)
    for keyword in keywords:
        delattr(dataset, keyword)
    dataset.save_as(path)
    return path


def _floats(path: Path, values: np.ndarray, **attributes) -> Path:
    """A parametric map: no PixelData, no BitsStored, no PixelRepresentation (PS3.3 C.7.6.24)."""
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.30"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.Rows, dataset.Columns = values.shape[-2:]
    if values.ndim == 3:
        dataset.NumberOfFrames = len(values)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = 8 * values.dtype.itemsize
    name = "FloatPixelData" if values.dtype == np.float32 else "DoubleFloatPixelData"
    setattr(dataset, name, values.tobytes())
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    ("given", "slope", "intercept"),
    [
        ({"RescaleIntercept": -1024}, 1, -1024),
        ({"RescaleIntercept": -1024, "RescaleSlope": ""}, 1, -1024),
        ({"RescaleSlope": 0.5}, 0.5, 0),
        ({"RescaleSlope": 0.5, "RescaleIntercept": ""}, 0.5, 0),
        ({"RescaleSlope": "", "RescaleIntercept": ""}, 1, 0),
    ],
)
def test_one_half_of_the_rescaling(
    tmp_path: Path, write_dicom, given: dict, slope: float, intercept: float
) -> None:
    values = slope * STORED.astype(float) + intercept
    ranged = read_image(
        write_dicom(tmp_path / "a.dcm", STORED, **given), settings=ReadSettings(value_range=(-900, 900))
    )
    np.testing.assert_allclose(ranged, np.clip((values + 900) / 1800, 0, 1), atol=1e-6)
    windowed = read_image(write_dicom(tmp_path / "b.dcm", STORED, **given, **WINDOW))
    np.testing.assert_allclose(windowed, np.clip((values - 39.5) / 399 + 0.5, 0, 1), atol=1e-6)


@pytest.mark.parametrize(("slope", "intercept"), [(0, 0), (NAN, 0), (INF, 0), (1, NAN), (1, -INF)])
def test_a_rescaling_that_loses_the_picture_is_refused(
    tmp_path: Path, write_dicom, slope: float, intercept: float
) -> None:
    path = write_dicom(tmp_path / "a.dcm", STORED, RescaleSlope=slope, RescaleIntercept=intercept)
    with pytest.raises(InputError, match=r"a\.dcm: the rescaling loses the picture"):
        read_image(path)


def test_eight_bits_rescaled_by_one_keep_their_scale(tmp_path: Path, write_dicom) -> None:
    stored = np.array([[10, 20], [30, 200]], np.uint8)
    path = write_dicom(tmp_path / "a.dcm", stored, RescaleSlope=1, RescaleIntercept=0)
    np.testing.assert_allclose(read_image(path), stored / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("dtype", "bits", "vr", "padding", "limit"),
    [
        (np.int16, 16, "US", 63536, None),  # -2000, written without its sign
        (np.int16, 12, "US", 2096, None),  # -2000 in 12 bits
        (np.uint16, 16, "SS", -2000, None),  # 63536, written with one
        (np.int16, 16, "US", 63536, 63546),
        (np.int16, 16, "SS", -1990, -2000),  # either may be the lower end
    ],
)
def test_padding_of_the_other_sign(
    tmp_path: Path, write_dicom, dtype: type, bits: int, vr: str, padding: int, limit: int | None
) -> None:
    stored = STORED.astype(dtype)
    stored[:, :3] = np.array(-2000).astype(np.int16).view(np.uint16).astype(dtype)
    path = write_dicom(tmp_path / "a.dcm", stored, BitsStored=bits, HighBit=bits - 1)
    dataset = pydicom.dcmread(path)
    dataset.add_new(0x00280120, vr, padding)
    if limit is not None:
        dataset.add_new(0x00280121, vr, limit)
    dataset.save_as(path)
    grey, inside = read_image(path, settings=ALL), STORED[:, 3:].astype(float)
    assert (grey[:, :3] == 0).all()
    np.testing.assert_allclose(grey[:, 3:], (inside - inside.min()) / np.ptp(inside), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_point_pixels(tmp_path: Path, dtype: type) -> None:
    values = np.linspace(-3, 5, 60).astype(dtype).reshape(6, 10)
    plain = read_image(_floats(tmp_path / "a.dcm", values), settings=ALL)
    np.testing.assert_allclose(plain, (values + 3) / 8, atol=1e-6)
    windowed = read_image(
        _floats(tmp_path / "b.dcm", values, WindowCenter=1, WindowWidth=3, VOILUTFunction="LINEAR_EXACT")
    )
    np.testing.assert_allclose(windowed, np.clip((values - 1) / 3 + 0.5, 0, 1), atol=1e-6)
    ranged = read_image(
        _floats(tmp_path / "c.dcm", values, RescaleSlope=2), settings=ReadSettings(value_range=(-4, 4))
    )
    np.testing.assert_allclose(ranged, np.clip((2 * values + 4) / 8, 0, 1), atol=1e-6)
    stack = read_volume(_floats(tmp_path / "d.dcm", np.stack([values, values + 8])), settings=ALL)
    np.testing.assert_allclose(stack.slices[1, 0, 0], 0.5, atol=1e-6)


@pytest.mark.parametrize("padding", [-9999.0, NAN])
def test_floating_point_padding(tmp_path: Path, padding: float) -> None:
    values = np.linspace(0, 1, 60).astype(np.float32).reshape(6, 10)
    values[:, :2] = padding
    path = _floats(tmp_path / "a.dcm", values, FloatPixelPaddingValue=padding)
    grey, inside = read_image(path, settings=ALL), values[:, 2:]
    assert (grey[:, :2] == 0).all()
    np.testing.assert_allclose(grey[:, 2:], (inside - inside.min()) / np.ptp(inside), atol=1e-6)


@pytest.mark.parametrize("value", [NAN, INF])
def test_pixels_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    values = np.zeros((6, 10), np.float32)
    values[2, 2] = value
    with pytest.raises(InputError, match=r"a\.dcm: holds NaN or infinite values"):
        read_image(_floats(tmp_path / "a.dcm", values))


@pytest.mark.parametrize(
    "keyword",
    ["PhotometricInterpretation", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation"],
)
def test_a_missing_element_is_named_and_not_called_damage(tmp_path: Path, write_dicom, keyword: str) -> None:
    path = _without(write_dicom(tmp_path / "a.dcm", STORED), keyword)
    with pytest.raises(InputError, match=rf"a\.dcm: the header lacks {keyword}\n  Hint: add") as caught:
        read_image(path)
    assert "damage" not in str(caught.value)


def test_a_picture_in_the_upper_bits_is_refused(tmp_path: Path, write_dicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", STORED * 16, BitsStored=12, HighBit=15)
    with pytest.raises(InputError, match=r"a\.dcm: HighBit and BitsStored disagree"):
        read_image(path)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"Rows": 40000, "Columns": 40000}, "not a picture's size"),
        ({"NumberOfFrames": -3}, "not a picture's size"),
        ({"Rows": 0}, "not a picture's size"),
        ({"Rows": 5000, "Columns": 5000}, "claims more pixels than the file can hold"),
        ({"NumberOfFrames": 10**9}, "claims more pixels than the file can hold"),
    ],
)
def test_sizes_that_cannot_be(tmp_path: Path, write_dicom, attributes: dict, says: str) -> None:
    with pytest.raises(InputError, match=rf"a\.dcm: .*{says}"):
        read_image(write_dicom(tmp_path / "a.dcm", STORED, **attributes))


@pytest.mark.parametrize("said", ["MONOCHROME3", "RGB", "GREY"])
def test_an_unknown_meaning_of_grey_is_refused(tmp_path: Path, write_dicom, said: str) -> None:
    path = write_dicom(tmp_path / "a.dcm", STORED, PhotometricInterpretation=said)
    with pytest.raises(InputError, match=r"a\.dcm: .*"):
        read_image(path)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, JPEGBaseline8Bit])
def test_a_compressed_picture_of_another_size_is_refused_before_it_is_decoded(
    tmp_path: Path, write_dicom, syntax: str
) -> None:
    stored = np.tile(STORED, (10, 6))
    if syntax == JPEGBaseline8Bit:
        stream = io.BytesIO()
        Image.fromarray((stored // 8).astype(np.uint8)).save(stream, "JPEG")
        path = write_dicom(tmp_path / "a.dcm", (stored // 8).astype(np.uint8))
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = pydicom.encaps.encapsulate([stream.getvalue()])
        dataset["PixelData"].VR = "OB"
        dataset.save_as(path)
    else:
        path = write_dicom(tmp_path / "a.dcm", stored, syntax=syntax)
    assert read_image(path).shape == (60, 60)
    dataset = pydicom.dcmread(path)
    dataset.Rows = 70
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"a\.dcm: the compressed picture is of another size") as caught:
        read_image(path)
    assert "60 x 60 pixels; 60 x 70 in the header" in str(caught.value)
