"""DICOM: expected values from the formulas of the standard, pixel by pixel."""

import math
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from fusionmedclip.data import ReadSettings, read_image, read_mask
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.volumes import read_volume, slice_count
from fusionmedclip.errors import InputError

HU = np.linspace(-200, 1800, 60).astype(np.int16).reshape(6, 10)


def _linear(value: float, centre: float, width: float) -> float:
    """PS3.3 C.11.2.1.2.1, output 0 to 1."""
    if value <= centre - 0.5 - (width - 1) / 2:
        return 0.0
    if value > centre - 0.5 + (width - 1) / 2:
        return 1.0
    return (value - (centre - 0.5)) / (width - 1) + 0.5


def _exact(value: float, centre: float, width: float) -> float:
    """PS3.3 C.11.2.1.3.2."""
    return min(1.0, max(0.0, (value - centre) / width + 0.5))


def _sigmoid(value: float, centre: float, width: float) -> float:
    """PS3.3 C.11.2.1.3.1."""
    return 1 / (1 + math.exp(-4 * (value - centre) / width))


@pytest.mark.parametrize(
    ("function", "formula"),
    [(None, _linear), ("LINEAR", _linear), ("LINEAR_EXACT", _exact), ("SIGMOID", _sigmoid)],
)
@pytest.mark.parametrize("slope", [1.0, 2.5, -1.0])
def test_rescale_then_window(tmp_path: Path, write_dicom, function, formula, slope: float) -> None:
    extra = {"VOILUTFunction": function} if function else {}
    path = write_dicom(
        tmp_path / "a.dcm",
        HU,
        RescaleSlope=slope,
        RescaleIntercept=-100,
        WindowCenter=[40, 500],
        WindowWidth=[400, 9],
        **extra,
    )
    expected = [[formula(slope * float(v) - 100, 40, 400) for v in row] for row in HU]
    np.testing.assert_allclose(read_image(path), expected, atol=1e-6)


def test_monochrome1_is_turned_over(tmp_path: Path, write_dicom) -> None:
    window = {"WindowCenter": 500, "WindowWidth": 900}
    plain = read_image(write_dicom(tmp_path / "a.dcm", HU, **window))
    turned = read_image(
        write_dicom(tmp_path / "b.dcm", HU, PhotometricInterpretation="MONOCHROME1", **window)
    )
    np.testing.assert_allclose(turned, 1 - plain, atol=1e-6)


@pytest.mark.parametrize(
    ("bits", "count", "first"), [(8, 4096, 0), (16, 4096, 0), (12, 100, 50), (16, 256, -20)]
)
def test_lookup_table(tmp_path: Path, write_dicom, bits: int, count: int, first: int) -> None:
    stored = np.linspace(0, 4095, 60).astype(np.uint16).reshape(6, 10)
    table = [round((2**bits - 1) * (i / (count - 1)) ** 0.5) for i in range(count)]
    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [count, first, bits])
    item.add_new(0x00283006, "US", table)
    path = write_dicom(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11, VOILUTSequence=[item])
    expected = [
        [table[min(max(int(v) - first, 0), count - 1)] / (2**bits - 1) for v in row] for row in stored
    ]
    np.testing.assert_allclose(read_image(path), expected, atol=1e-6)


def test_modality_lookup_table_before_the_window(tmp_path: Path, write_dicom) -> None:
    stored = np.arange(60, dtype=np.uint16).reshape(6, 10)
    item = Dataset()
    item.add_new(0x00283002, "US", [60, 0, 16])
    item.add_new(0x00283006, "US", [3 * i * i for i in range(60)])
    item.ModalityLUTType = "US"
    path = write_dicom(
        tmp_path / "a.dcm", stored, ModalityLUTSequence=[item], WindowCenter=3000, WindowWidth=4000
    )
    expected = [[_linear(3 * int(v) ** 2, 3000, 4000) for v in row] for row in stored]
    np.testing.assert_allclose(read_image(path), expected, atol=1e-6)


@pytest.mark.parametrize(
    "window", [{}, {"WindowCenter": "", "WindowWidth": ""}, {"WindowCenter": 40, "WindowWidth": 0}]
)
def test_without_a_window_percentiles_decide(tmp_path: Path, write_dicom, window: dict) -> None:
    path = write_dicom(tmp_path / "a.dcm", HU, **window)
    low, high = np.percentile(HU.astype(float), (5, 90))
    expected = np.clip((HU - low) / (high - low), 0, 1)
    np.testing.assert_allclose(
        read_image(path, settings=ReadSettings(percentiles=(5, 90))), expected, atol=1e-6
    )


def test_value_range_in_units_of_the_modality(tmp_path: Path, write_dicom) -> None:
    window = {"WindowCenter": 40, "WindowWidth": 80, "RescaleSlope": 1, "RescaleIntercept": -1024}
    path = write_dicom(tmp_path / "a.dcm", HU, **window)
    grey = read_image(path, settings=ReadSettings(value_range=(-1000, 0)))
    np.testing.assert_allclose(grey, np.clip((HU - 1024.0 + 1000) / 1000, 0, 1), atol=1e-6)


def test_eight_bits_without_a_window_keep_their_scale(tmp_path: Path, write_dicom) -> None:
    stored = np.array([[10, 20], [30, 200]], np.uint8)
    np.testing.assert_allclose(read_image(write_dicom(tmp_path / "a.dcm", stored)), stored / 255, atol=1e-7)


def test_padding_is_black_and_does_not_shift_percentiles(tmp_path: Path, write_dicom) -> None:
    stored = HU.copy()
    stored[:, :3] = -2000
    attributes = {"PixelPaddingValue": -2000, "PhotometricInterpretation": "MONOCHROME1"}
    grey = read_image(
        write_dicom(tmp_path / "a.dcm", stored, **attributes), settings=ReadSettings(percentiles=(0, 100))
    )
    inside = HU[:, 3:].astype(float)
    assert (grey[:, :3] == 0).all()
    np.testing.assert_allclose(grey[:, 3:], 1 - (inside - inside.min()) / np.ptp(inside), atol=1e-6)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_compressed_equals_plain(tmp_path: Path, write_dicom, picture, syntax: str) -> None:
    stored = picture(0).astype(np.uint16) * 16
    plain = read_image(write_dicom(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11))
    packed = read_image(write_dicom(tmp_path / "b.dcm", stored, BitsStored=12, HighBit=11, syntax=syntax))
    np.testing.assert_array_equal(packed, plain)


def test_colour_becomes_luma(tmp_path: Path, write_dicom, picture) -> None:
    colour = np.stack([picture(1), picture(2), picture(3)], axis=-1)
    expected = colour @ np.array([0.299, 0.587, 0.114])
    grey = read_image(write_dicom(tmp_path / "a.dcm", colour))
    np.testing.assert_allclose(grey * 255, expected, atol=0.51)


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ({"PixelSpacing": [2.0, 1.0]}, (12, 10)),
        ({"PixelSpacing": [0.5, 1.0]}, (6, 20)),
        ({"PixelAspectRatio": [3, 2]}, (9, 10)),
        ({"ImagerPixelSpacing": [1.0, 1.0], "PixelAspectRatio": [3, 2]}, (6, 10)),
        ({"PixelSpacing": [1.0, 1.005]}, (6, 10)),
        ({"PixelSpacing": [1.0, 30000.0]}, (6, 10)),
        ({"PixelSpacing": ["", ""]}, (6, 10)),
    ],
)
def test_pixels_are_made_square(tmp_path: Path, write_dicom, attributes: dict, shape: tuple) -> None:
    path = write_dicom(tmp_path / "a.dcm", HU, **attributes)
    assert read_image(path).shape == shape
    assert read_image(path, settings=ReadSettings(square_pixels=False)).shape == (6, 10)
    mask = write_dicom(tmp_path / "m.dcm", (HU > 900).astype(np.uint8))
    image, stretched = read_with_mask(path, [mask])
    assert image.shape == stretched.shape == shape
    assert stretched.mean() == pytest.approx((HU > 900).mean(), abs=0.08)


def test_frames(tmp_path: Path, write_dicom) -> None:
    frames = np.stack([np.full((4, 5), 100 * n, np.uint16) for n in range(5)])
    frames[:, 0, 0] = 0
    path = write_dicom(tmp_path / "a.dcm", frames)
    settings = ReadSettings(percentiles=(0, 100))
    volume = read_volume(path, settings=settings)
    np.testing.assert_allclose(volume.slices[:, 1, 1], [0, 0.25, 0.5, 0.75, 1], atol=1e-6)
    assert slice_count(path) == 5
    assert read_image(path, settings=settings)[1, 1] == pytest.approx(0.5)  # the middle one, scaled with all
    assert read_image(f"{path}#slice=0004", settings=settings)[1, 1] == pytest.approx(1)
    with pytest.raises(InputError, match="0 to 4"):
        read_image(f"{path}#slice=5")


def test_functional_groups_of_enhanced_files(tmp_path: Path, write_dicom) -> None:
    frames = np.stack([HU, HU + 100])

    def group(**sequences) -> Dataset:
        outer = Dataset()
        for name, attributes in sequences.items():
            inner = Dataset()
            for keyword, value in attributes.items():
                setattr(inner, keyword, value)
            setattr(outer, name, [inner])
        return outer

    shared = group(
        PixelMeasuresSequence={"PixelSpacing": [2.0, 1.0]},
        PixelValueTransformationSequence={"RescaleSlope": 2, "RescaleIntercept": -50, "RescaleType": "US"},
    )
    each = [group(FrameVOILUTSequence={"WindowCenter": c, "WindowWidth": 800}) for c in (100, 300)]
    path = write_dicom(
        tmp_path / "a.dcm",
        frames,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=each,
    )
    for index, centre in enumerate((100, 300)):
        grey = read_image(path, settings=ReadSettings(slice=index, square_pixels=False))
        expected = [[_linear(2.0 * float(v) - 50, centre, 800) for v in row] for row in frames[index]]
        np.testing.assert_allclose(grey, expected, atol=1e-6)
    assert read_image(path).shape == (12, 10)


def test_segments_are_united(tmp_path: Path, write_dicom) -> None:
    segments = np.zeros((2, 8, 8), np.uint8)
    segments[0, 1, 1] = segments[1, 5, 6] = 1
    path = write_dicom(tmp_path / "seg.dcm", segments)
    assert [tuple(at) for at in np.argwhere(read_mask(path)).tolist()] == [(1, 1), (5, 6)]
    assert np.argwhere(read_mask(f"{path}#slice=1")).tolist() == [[5, 6]]


def test_suffix_does_not_matter(tmp_path: Path, write_dicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", HU)
    np.testing.assert_array_equal(
        read_image(path.rename(tmp_path / "IM000001")), read_image(tmp_path / "IM000001")
    )


def test_without_preamble(tmp_path: Path, write_dicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", HU)
    expected = read_image(path)
    data = path.read_bytes()
    at = data.index(b"\x08\x00\x16\x00")  # SOPClassUID: where the data set begins
    (tmp_path / "old.dcm").write_bytes(data[at:])
    np.testing.assert_array_equal(read_image(tmp_path / "old.dcm"), expected)


def test_broken_files_are_named(tmp_path: Path, write_dicom) -> None:
    whole = write_dicom(tmp_path / "a.dcm", HU).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[:-30])
    (tmp_path / "text.dcm").write_text("This is a letter, and no picture. " * 20)
    (tmp_path / "zero.dcm").touch()
    write_dicom(tmp_path / "report.dcm", HU)
    dataset = pydicom.dcmread(tmp_path / "report.dcm")
    del dataset.PixelData
    dataset.save_as(tmp_path / "report.dcm")
    says = {
        "cut": "does not describe the pixels",
        "text": "not a DICOM",
        "zero": "empty file",
        "report": "without pixels",
    }
    for name, text in says.items():
        with pytest.raises(InputError, match=rf"{name}\.dcm: .*{text}"):
            read_image(tmp_path / f"{name}.dcm")
    with pytest.raises(InputError, match=r"gone\.dcm: no such file"):
        read_image(tmp_path / "gone.dcm")


def test_malformed_values_are_named_but_never_shown(tmp_path: Path, write_dicom) -> None:
    path = write_dicom(tmp_path / "a.dcm", HU, NumberOfFrames="1")
    path.write_bytes(path.read_bytes().replace(b"IS\x02\x001 ", b"IS\x02\x00Qx"))
    with pytest.raises(InputError, match="unreadable value of NumberOfFrames") as caught:
        read_image(path)
    assert "Qx" not in str(caught.value)


@pytest.mark.parametrize("interpretation", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("window", [{}, {"WindowCenter": 40, "WindowWidth": 400}])
def test_pictures_larger_than_their_range_of_values(
    tmp_path: Path, write_dicom, interpretation, window
) -> None:
    stored = np.resize(HU[HU < 600], (60, 50))  # 3,000 pixels, 800 levels: each level is transformed once
    stored[0, :9] = -1000
    attributes = {"PixelPaddingValue": -1000, "RescaleSlope": 1, "RescaleIntercept": -100, **window}
    path = write_dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation=interpretation, **attributes)
    inside = stored[stored > -1000] - 100.0
    low, high = np.percentile(inside, (0.5, 99.5))
    expected = np.clip((stored - 100 - low) / (high - low), 0, 1)
    if window:
        expected = np.array([[_linear(float(value) - 100, 40, 400) for value in row] for row in stored])
    expected = 1 - expected if interpretation == "MONOCHROME1" else expected
    expected[stored == -1000] = 0
    np.testing.assert_allclose(read_image(path), expected, atol=1e-6)
