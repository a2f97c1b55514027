"""DICOM files whose pixels mean something else than a picture, or nothing at all."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import (
    ParametricMapStorage,
    RTDoseStorage,
    SegmentationStorage,
    VLWholeSlideMicroscopyImageStorage,
)

from fusionmedclip.data import ReadSettings, read_image, read_mask
from fusionmedclip.data.reading.middle import middle_of
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.volumes import read_volume
from fusionmedclip.errors import InputError
from tests.data.reading.dicom.made import edited

STORED = np.linspace(0, 4095, 60).astype(np.uint16).reshape(6, 10)
TWELVE = {"BitsStored": 12, "HighBit": 11}
RED = np.stack(
    [np.tile(np.arange(0, 250, 25, dtype=np.uint8), (6, 1)), *[np.zeros((6, 10), np.uint8)] * 2], -1
)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"RescaleSlope": "1e-300", "RescaleIntercept": "1e10"}, "the rescaling loses the picture"),
        ({"RescaleSlope": 1, "RescaleIntercept": "1e30"}, "the rescaling loses the picture"),
        ({"RescaleSlope": 1, "RescaleIntercept": "1e18"}, "the rescaling loses the picture"),  # 128 apart
        (
            {"RescaleSlope": "1e-300", "WindowCenter": 0, "WindowWidth": 9},
            "a window under which all values are one",
        ),
        ({"WindowCenter": -30000, "WindowWidth": 100}, "a window under which all values are one"),
        ({"WindowCenter": 9000, "WindowWidth": 100}, "a window under which all values are one"),
        ({"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 65535}, "all of the picture counts as padding"),
    ],
)
def test_a_header_that_leaves_nothing(tmp_path: Path, write_dicom, attributes: dict, says: str) -> None:
    if "PixelPaddingValue" not in attributes:
        attributes = {**TWELVE, **attributes}
    path = write_dicom(tmp_path / "a.dcm", STORED, **attributes)
    with pytest.raises(InputError, match=rf"a\.dcm: {says}"):
        read_image(path)


def test_a_picture_outside_of_its_window_is_black_and_a_volume_refused(tmp_path: Path, write_dicom) -> None:
    """Air beside a head, in a window for brain."""
    air = (np.arange(60).reshape(6, 10) - 1010).astype(np.int16)
    window = {"WindowCenter": 40, "WindowWidth": 80}
    assert (read_image(write_dicom(tmp_path / "a.dcm", air, **window)) == 0).all()
    head = np.stack([air, air + 1030])
    assert read_volume(write_dicom(tmp_path / "b.dcm", head, **window)).slices[1].max() > 0.5
    with pytest.raises(InputError, match=r"c\.dcm: one grey value everywhere"):
        read_volume(write_dicom(tmp_path / "c.dcm", np.stack([air, air]), **window))


def test_a_range_of_the_settings_that_leaves_nothing(tmp_path: Path, write_dicom) -> None:
    with pytest.raises(InputError, match=r"(?s)a\.dcm: one grey value everywhere.*0\.5"):
        read_image(write_dicom(tmp_path / "a.dcm", STORED), settings=ReadSettings(value_range=(-1e30, 1e30)))


def test_what_is_blank_is_read_as_blank(tmp_path: Path, write_dicom) -> None:
    blank = np.full((6, 10), 700, np.uint16)
    assert np.ptp(read_image(write_dicom(tmp_path / "a.dcm", blank, **TWELVE))) == 0
    padded = write_dicom(tmp_path / "b.dcm", blank, PixelPaddingValue=700)
    assert (read_image(padded) == 0).all()
    green = read_image(write_dicom(tmp_path / "c.dcm", RED), settings=ReadSettings(channel="green"))
    assert (green == 0).all()


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (RED, "YBR_PARTIAL_422"),
        (RED, "YBR_PARTIAL_420"),
        (RED, "HSV"),
        (RED, "MONOCHROME2"),
        (STORED, "RGB"),
        (STORED, "YBR_FULL"),
    ],
)
def test_colours_that_are_not_known_are_refused(tmp_path: Path, write_dicom, pixels, said: str) -> None:
    path = edited(write_dicom(tmp_path / "a.dcm", pixels), PhotometricInterpretation=said)
    with pytest.raises(InputError, match=rf"(?s)a\.dcm: not a PhotometricInterpretation.*'{said}'"):
        read_image(path)


@pytest.mark.parametrize("said", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE"])
def test_two_words_on_what_is_white(tmp_path: Path, write_dicom, said: str, shape: str) -> None:
    attributes = {"PhotometricInterpretation": said, "PresentationLUTShape": shape}
    path = write_dicom(tmp_path / "a.dcm", (STORED // 16).astype(np.uint8), **attributes)
    if (said, shape) == ("MONOCHROME2", "INVERSE"):
        with pytest.raises(InputError, match=r"a\.dcm: .*disagree on what is white"):
            read_image(path)
    else:
        assert read_image(path)[0, 0] == (said == "MONOCHROME1")


@pytest.mark.parametrize(
    "storage",
    [SegmentationStorage, "1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.1.3.10"],  # labels; an index
)
def test_objects_that_are_no_images(tmp_path: Path, write_dicom, storage: str) -> None:
    mask = write_dicom(tmp_path / "seg.dcm", (STORED > 2000).astype(np.uint8), SOPClassUID=storage)
    for read in (read_image, read_volume):
        with pytest.raises(InputError, match=r"seg\.dcm: a DICOM object that is no image"):
            read(mask)
    np.testing.assert_array_equal(read_mask(mask), STORED > 2000)


@pytest.mark.parametrize("storage", [RTDoseStorage, ParametricMapStorage, "1.2.3.4.5", None])
def test_objects_that_are_images_or_unknown(tmp_path: Path, write_dicom, storage: str | None) -> None:
    path = write_dicom(tmp_path / "a.dcm", STORED)
    assert read_image(edited(path, SOPClassUID=storage)).shape == (6, 10)


def test_tiles_of_a_slide_are_no_picture(tmp_path: Path, write_dicom) -> None:
    tiles = np.stack([STORED, STORED[::-1], STORED])
    path = write_dicom(tmp_path / "a.dcm", tiles, SOPClassUID=VLWholeSlideMicroscopyImageStorage)
    with pytest.raises(InputError, match=r"a\.dcm: tiles of a slide"):
        read_image(path)
    whole = write_dicom(tmp_path / "b.dcm", STORED, SOPClassUID=VLWholeSlideMicroscopyImageStorage)
    assert read_image(whole).shape == (6, 10)


@pytest.mark.parametrize(
    ("count", "middle"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2)]
)  # of two the first, as in every other kind of file
def test_the_middle_frame(tmp_path: Path, write_dicom, count: int, middle: int) -> None:
    assert middle_of(count) == middle
    frames = np.stack([np.full((4, 5), 40 * n + 10, np.uint8) for n in range(count)])
    path = write_dicom(tmp_path / "a.dcm", frames if count > 1 else frames[0])
    np.testing.assert_allclose(read_image(path), (40 * middle + 10) / 255, atol=1e-7)
    deep = write_dicom(tmp_path / "b.dcm", frames.astype(np.uint16) * 100) if count > 1 else None
    if deep:  # scaled as a volume
        np.testing.assert_allclose(read_image(deep), read_volume(deep).slices[middle])


LESION = np.pad(np.full((2, 3), 1, np.int16), ((2, 2), (3, 4)))


@pytest.mark.parametrize(
    ("pixels", "attributes"),
    [
        (LESION, {"RescaleIntercept": -1024, "RescaleSlope": 1}),
        (LESION, {"RescaleIntercept": 1, "RescaleSlope": 1}),
        (LESION, {"RescaleSlope": -1, "RescaleIntercept": 0}),
        (-LESION, {}),
        (1 - LESION, {"PhotometricInterpretation": "MONOCHROME1"}),
    ],
)
def test_masks_whose_header_changes_the_labels(tmp_path: Path, write_dicom, pixels, attributes: dict) -> None:
    path = write_dicom(tmp_path / "m.dcm", pixels, **attributes)
    with pytest.raises(InputError, match=r"m\.dcm: (values that are no labels|a mask in MONOCHROME1)"):
        read_mask(path)


@pytest.mark.parametrize(
    ("pixels", "attributes"),
    [
        (LESION, {"RescaleIntercept": 0, "RescaleSlope": 1}),
        (LESION * 255, {"RescaleSlope": 0.5, "RescaleIntercept": 0, "WindowCenter": 127, "WindowWidth": 255}),
        (LESION + 1024, {"RescaleIntercept": -1024, "RescaleSlope": 1}),
        (LESION, {"PixelPaddingValue": 0}),
    ],
)
def test_masks_that_are_labels_all_the_same(tmp_path: Path, write_dicom, pixels, attributes: dict) -> None:
    image = write_dicom(tmp_path / "a.dcm", STORED)
    mask = write_dicom(tmp_path / "m.dcm", pixels, **attributes)
    np.testing.assert_array_equal(read_with_mask(image, [mask])[1], LESION > 0)
