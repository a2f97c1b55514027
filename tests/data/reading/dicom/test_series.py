"""Folders of DICOM slices in which a slice is lost, foreign, or measured otherwise."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import DigitalXRayImageStorageForPresentation, PositronEmissionTomographyImageStorage

from fusionmedclip.data import ReadSettings
from fusionmedclip.data.curation.statistics import describe
from fusionmedclip.data.reading.dicom.gaps import number_notes
from fusionmedclip.data.reading.dicom.series import find_series
from fusionmedclip.data.reading.dicom.slice_place import same_direction
from fusionmedclip.data.reading.masks import read_mask
from fusionmedclip.data.reading.volumes import read_volume
from fusionmedclip.errors import InputError
from tests.data.reading.dicom.made import edited

ALL = ReadSettings(percentiles=(0, 100))


@pytest.fixture
def series(tmp_path: Path, write_dicom):
    """Write slices at the places given; slice n holds 100 n, but for a corner of 0."""

    def write(places: list[float], **attributes) -> Path:
        for n, place in enumerate(places):
            pixels = np.full((8, 10), 100 * n, np.int16)
            pixels[0, 0] = 0
            where = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, place]}
            write_dicom(tmp_path / "s" / f"IM{n}", pixels, InstanceNumber=n, **where, **attributes)
        return tmp_path / "s"

    return write


def _levels(folder: Path) -> list[float]:
    return [round(float(level), 4) for level in read_volume(folder, settings=ALL).slices[:, 3, 3]]


@pytest.mark.parametrize("name", ["IM2", "IM2.dcm", "1.2.840.2"])
def test_a_slice_without_a_preamble_counts(series, name: str) -> None:
    folder = series([0, 1, 2, 3, 4])
    data = (folder / "IM2").read_bytes()
    (folder / "IM2").unlink()
    (folder / name).write_bytes(data[data.index(b"\x08\x00\x16\x00") :])
    (folder / "notes.txt").write_text("no slice")
    assert _levels(folder) == [0, 0.25, 0.5, 0.75, 1]
    assert describe(folder, np.zeros((8, 10), np.float32))["format"] == "DICOM"


@pytest.mark.parametrize("content", [bytes(500), b"damaged"])
def test_a_damaged_slice_is_not_passed_over(series, content: bytes) -> None:
    folder = series([0, 1, 2])
    (folder / "IM1").write_bytes(content)
    with pytest.raises(InputError, match="IM1: "):
        read_volume(folder)


@pytest.mark.parametrize("name", ["x.png", "x.mha", "x"])
def test_an_image_among_the_slices_is_not_passed_over(series, name: str) -> None:
    folder = series([0, 1, 2])
    Image.fromarray(np.zeros((8, 10), np.uint8)).save(folder / name, "PNG")
    with pytest.raises(InputError, match=rf"(?s)s: images among the slices.*{name}"):
        read_volume(folder)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"ImagePositionPatient": None}, "slices without a position.*1 of 5"),
        ({"PixelSpacing": [2, 2]}, "slices of several pixel spacings.*1 x 1, 2 x 2"),
        ({"RescaleSlope": None, "RescaleIntercept": None}, "slices of several units"),
        ({"FrameOfReferenceUID": "1.2.4"}, "slices of several frames of reference.*2 in 5 files"),
        ({"PatientID": "GANNET-4"}, "slices of several patients.*2 in 5 files"),
        ({"WindowWidth": None}, "some slices have a window and others none.*1 of 5"),
    ],
)
def test_one_slice_that_is_not_as_the_others(series, attributes: dict, says: str) -> None:
    usual = {
        "RescaleSlope": 1,
        "RescaleIntercept": -10,
        "PixelSpacing": [1, 1],
        "FrameOfReferenceUID": "1.2.3",
    }
    folder = series([0, 1, 2, 3, 4], **usual, WindowCenter=200, WindowWidth=400)
    assert len(_levels(folder)) == 5
    edited(folder / "IM2", **attributes)
    with pytest.raises(InputError, match=rf"(?s)s: {says}") as caught:
        read_volume(folder)
    assert not any(secret in str(caught.value) for secret in ("GANNET", "1.2.4"))


@pytest.mark.parametrize("number", [None, "", "  ZF-7781-PATIENT"])
def test_a_slice_without_a_patients_number_or_with_the_same_is_of_no_other(series, number) -> None:
    """Blanks before and after a number mean nothing (PS3.5, 6.2)."""
    folder = series([0, 1, 2])
    edited(folder / "IM2", PatientID=number)
    assert len(_levels(folder)) == 3


@pytest.mark.parametrize(
    ("numbers", "step"),
    [([1, 3, 5, 7], 2), ([41, 31, 21, 11], 10), ([1, 2, 3, 4], 0), ([1, 3, 2, 4], 0), ([1, 3, 1, 3], 0)],
)
def test_numbers_that_leave_out_as_many_everywhere(series, numbers: list[int], step: int) -> None:
    folder = series([0, 6, 12, 18])
    for index, number in enumerate(numbers):
        edited(folder / f"IM{index}", InstanceNumber=number)
    found = find_series(folder)
    assert found.notes == ()
    said = f"instance numbers go up by {step} from slice to slice: are those between missing?"
    assert number_notes(found.numbers) == ((said,) if step else ())


@pytest.mark.parametrize("by", ["instance numbers", "names"])
def test_slices_of_a_scanner_that_do_not_say_where_they_lie(series, by: str) -> None:
    """Radiographs and ultrasound, of which nobody expects it, are not spoken of."""
    folder = series([0, 1, 2])
    for index in range(3):
        lost = {"ImagePositionPatient": None, "InstanceNumber": 3 - index if by != "names" else None}
        edited(folder / f"IM{index}", SOPClassUID=DigitalXRayImageStorageForPresentation, **lost)
    assert find_series(folder).notes == ()
    for index in range(3):
        edited(folder / f"IM{index}", SOPClassUID=PositronEmissionTomographyImageStorage)
    found = find_series(folder)
    said = f"slices do not say where in the patient they lie: they are in the order of their {by}"
    assert found.notes == (said,)
    order = [2, 1, 0] if by != "names" else [0, 1, 2]
    assert found.files == tuple(folder / f"IM{index}" for index in order)


def test_a_slice_beside_the_line_of_the_others_is_told_and_a_tilt_is_not(series) -> None:
    folder = series([0, 3, 6, 9])
    for index, x in enumerate([0, 1.5, 3, 4.5]):  # leaning by half the distance, as under a tilted gantry
        edited(folder / f"IM{index}", ImagePositionPatient=[x, 0, 3 * index])
    assert find_series(folder).notes == ()
    edited(folder / "IM2", ImagePositionPatient=[3, 15, 6])
    said = "slices lie up to 15 mm beside the line from the first to the last"
    assert find_series(folder).notes == (said,)


@pytest.mark.parametrize(
    ("places", "missing"),
    [
        ([0, 1, 2, 4, 5], 1),
        ([0, 2.5, 5, 12.5, 15, 17.5], 2),
        ([0, 1, 2, 3, 4], 0),
        ([0, 2.5, 5, 7.5, 10, 15, 20, 25], 0),  # finer below, as heads are scanned
        ([0, 1.01, 1.99, 3, 4.02], 0),
        ([0, 1, 2, 3.7, 4.7], 0),  # two blocks, no slice fits between
        ([0, 3], 0),
    ],
)
def test_a_hole_between_slices(series, places: list, missing: int) -> None:
    folder = series(places)
    if not missing:
        assert len(_levels(folder)) == len(places)
        return
    with pytest.raises(InputError, match=rf"(?s)s: slices are missing.*{missing} missing"):
        read_volume(folder)


@pytest.mark.parametrize(
    ("places", "numbers", "missing"),
    [
        ([0, 3, 9], [1, 2, 4], 1),  # too few distances to tell by themselves
        ([9, 3, 0], [1, 2, 4], 0),  # the wide one is elsewhere: two blocks
        ([0, 3, 9, 15, 18, 21], [9, 8, 6, 4, 3, 2], 2),  # counted downwards, two wide ones in a row
        ([0, 3, 9], [1, 2, 3], 0),
        ([0, 3, 6], [1, 2, 4], 0),
        ([0, 3, 9], [1, 3, 5], 0),
    ],
)
def test_places_and_numbers_agree_that_a_slice_is_missing(series, places, numbers, missing: int) -> None:
    folder = series(places)
    for index, number in enumerate(numbers):
        edited(folder / f"IM{index}", InstanceNumber=number)
    if not missing:
        assert len(_levels(folder)) == len(places)
        return
    with pytest.raises(InputError, match=rf"(?s)slices are missing.*3 mm apart, {missing} missing"):
        read_volume(folder)


def test_frames_of_which_one_has_no_window_or_another_spacing(tmp_path: Path, write_dicom) -> None:
    from pydicom.dataset import Dataset

    def groups(name: str, contents: list[dict]) -> list[Dataset]:
        outer = [Dataset() for _ in contents]
        for item, content in zip(outer, contents, strict=True):
            inner = Dataset()
            for keyword, value in content.items():
                setattr(inner, keyword, value)
            setattr(item, name, [inner])
        return outer

    frames = np.stack([np.arange(60, dtype=np.int16).reshape(6, 10)] * 3)
    window = {"WindowCenter": 30, "WindowWidth": 60}
    path = write_dicom(
        tmp_path / "a.dcm", frames,
        PerFrameFunctionalGroupsSequence=groups("FrameVOILUTSequence", [window, window, {}]),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"a\.dcm: some slices have a window"):
        read_volume(path)
    sizes = [{"PixelSpacing": [1, 1]}, {"PixelSpacing": [1, 1]}, {"PixelSpacing": [2, 2]}]
    path = write_dicom(
        tmp_path / "b.dcm", frames,
        PerFrameFunctionalGroupsSequence=groups("PixelMeasuresSequence", sizes),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"b\.dcm: frames of several pixel spacings"):
        read_volume(path)


def test_a_series_of_masks_is_read_as_each_of_them(series) -> None:
    folder = series([0, 1, 2])
    mask = read_mask(f"{folder}#slice=2")
    assert mask[3, 3]
    assert not mask[0, 0]
    series([0, 1, 2, 3], RescaleIntercept=-1024, RescaleSlope=1)
    with pytest.raises(InputError, match="values that are no labels"):
        read_mask(f"{folder}#slice=1")


@pytest.mark.parametrize(("turned", "alike"), [(0.0, True), (0.3, True), (0.8, False), (5.0, False)])
def test_slices_turned_by_more_than_half_a_degree_lie_otherwise(turned: float, alike: bool) -> None:
    """Degrees about the z axis; a cosine of 0.01 is 0.57 of them."""
    c, s = np.cos(np.radians(turned)), np.sin(np.radians(turned))
    assert same_direction([1, 0, 0, 0, 1, 0], [c, s, 0, -s, c, 0]) is alike
