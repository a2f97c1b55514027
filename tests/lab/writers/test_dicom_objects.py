"""DICOM objects that other programs accept, that point at their source, and hold what the map holds."""

import logging
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.writers.dicom_writer import DicomWriter
from fusionmedclip.lab.writers.map_scale import MapScale
from fusionmedclip.lab.writers.map_volumes import MapVolumeWriter
from fusionmedclip.lab.writers.page import PageWriter
from fusionmedclip.lab.writers.pictures import PictureWriter
from tests.lab.dicoms import PATIENT, ct_series, multi_frame, projection

pytest.importorskip("highdicom")

KINDS: dict[str, Callable[[Path], list[Path]]] = {
    "series": lambda folder: ct_series(folder / "series"),
    "radiograph": lambda folder: [projection(folder / "x.dcm")],
    "film": lambda folder: [multi_frame(folder / "film.dcm")],
}


def scored(files: list[Path]) -> ScoredInput:
    header = pydicom.dcmread(files[0])
    count = len(files) * int(header.get("NumberOfFrames", 1))
    maps = np.full((count, header.Rows, header.Columns), 0.1, np.float32)
    maps[:, 3, 4] = np.linspace(0.5, 0.9, count)
    maps[0, 5, 6] = 0.7 if count == 1 else 0.2
    return ScoredInput(
        files=tuple(files),
        name="one",
        slices=tuple(f"slice {n}" for n in range(count)),
        pixels=np.full(maps.shape, 0.5, np.float32),
        maps=maps,
        scores=maps.max((1, 2)).astype(float),
        score=float(maps.max()),
        flag=True,
    )


def write(folder: Path, one: ScoredInput, scale: MapScale) -> list[pydicom.Dataset]:
    DicomWriter(scale, "FusionMedCLIP", "0.1", "abc").write(one, folder)
    return [pydicom.dcmread(path) for path in sorted((folder / "dicom").glob("*.dcm"))]


@pytest.mark.parametrize("kind", KINDS)
def test_other_programs_accept_them(tmp_path: Path, scale: MapScale, kind: str) -> None:
    write(tmp_path, scored(KINDS[kind](tmp_path)), scale)
    files = sorted((tmp_path / "dicom").iterdir())
    assert files
    programs = {"dciodvfy": "dicom3tools", "dcmftest": "dcmtk"}
    there = [program for program in programs if shutil.which(program)]
    if not there:
        pytest.skip(f"neither {' nor '.join(programs)} is installed (apt-get install dicom3tools dcmtk)")
    for path in files:
        for program in there:
            said = subprocess.run([program, path], capture_output=True, text=True)
            assert said.returncode == 0, said.stdout + said.stderr
            assert "Error" not in said.stderr, said.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_they_belong_to_the_study_of_their_source(tmp_path: Path, scale: MapScale, kind: str) -> None:
    files = KINDS[kind](tmp_path)
    source = pydicom.dcmread(files[0])
    made = write(tmp_path, scored(files), scale)
    assert len({one.SeriesInstanceUID for one in made}) == 1
    assert len({one.SOPInstanceUID for one in made}) == len(made)
    for one in made:
        for keyword in (*PATIENT, "PatientSex", "StudyInstanceUID", "StudyDate", "AccessionNumber"):
            assert one[keyword].value == source[keyword].value
        assert one.SeriesInstanceUID != source.SeriesInstanceUID
        assert "not for diagnosis" in one.SeriesDescription


def test_a_series_becomes_its_map_slice_by_slice(tmp_path: Path, scale: MapScale) -> None:
    files = KINDS["series"](tmp_path)
    one = scored(files)
    (made,) = write(tmp_path, one, scale)
    assert made.SOPClassUID.name == "Parametric Map Storage"
    frames = np.frombuffer(made.FloatPixelData, "<f4").reshape(one.maps.shape)
    seen = set()
    for frame, groups in zip(frames, made.PerFrameFunctionalGroupsSequence, strict=True):
        pointed = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        (number,) = [n for n, path in enumerate(files) if pydicom.dcmread(path).SOPInstanceUID == pointed]
        position = pydicom.dcmread(files[number]).ImagePositionPatient
        assert groups.PlanePositionSequence[0].ImagePositionPatient == position
        np.testing.assert_array_equal(frame, one.maps[number])
        seen.add(number)
    assert seen == set(range(4))
    shared = made.SharedFunctionalGroupsSequence[0]
    assert list(shared.PixelMeasuresSequence[0].PixelSpacing) == [0.7, 0.5]
    window = shared.FrameVOILUTSequence[0]
    assert (window.WindowCenter, window.WindowWidth) == (pytest.approx(0.6), pytest.approx(0.8))


def test_a_radiograph_becomes_a_segmentation(tmp_path: Path, scale: MapScale) -> None:
    from highdicom.seg import segread

    files = KINDS["radiograph"](tmp_path)
    one = scored(files)
    write(tmp_path, one, scale)
    made = segread(tmp_path / "dicom" / "one.dcm")
    uid = pydicom.dcmread(files[0]).SOPInstanceUID
    mask = made.get_pixels_by_source_instance([uid], combine_segments=True)[0]
    np.testing.assert_array_equal(mask.astype(bool), one.maps[0] > 0.6)
    assert mask.sum() == 1  # 0.7 at one pixel; 0.5 at another
    assert made.segmentation_type.value == "BINARY"


def test_nothing_above_the_threshold_is_an_empty_segmentation(tmp_path: Path) -> None:
    one = scored(KINDS["radiograph"](tmp_path))
    (made,) = write(tmp_path, one, MapScale(low=0.2, high=2, threshold=1))
    assert not any(made.PixelData)


def test_frames_of_a_film_above_the_threshold_become_pictures(tmp_path: Path, scale: MapScale) -> None:
    files = KINDS["film"](tmp_path)
    made = write(tmp_path, scored(files), scale)  # peaks of 0.5, 0.7, 0.9
    assert sorted(p.name for p in (tmp_path / "dicom").iterdir()) == ["one_0001.dcm", "one_0002.dcm"]
    for number, capture in zip((1, 2), made, strict=True):
        pointer = capture.SourceImageSequence[0]
        assert pointer.ReferencedSOPInstanceUID == pydicom.dcmread(files[0]).SOPInstanceUID
        assert pointer.ReferencedFrameNumber == number + 1
        picture = capture.pixel_array
        assert picture[20, 10].tolist() == [128, 128, 128]  # the picture as it is
        assert picture[3, 4].tolist() == [255, 255, 255]  # a line around the marked pixel
    (worst,) = write(tmp_path / "b", scored(files), MapScale(low=0, high=1))
    assert worst.SourceImageSequence[0].ReferencedFrameNumber == 3


def test_one_image_without_a_threshold_becomes_a_picture(tmp_path: Path) -> None:
    (made,) = write(tmp_path, scored(KINDS["radiograph"](tmp_path)), MapScale(low=0, high=1))
    assert made.SOPClassUID.name == "Secondary Capture Image Storage"
    assert "ReferencedFrameNumber" not in made.SourceImageSequence[0]


@pytest.mark.parametrize("name", ["Zebrafink", "Zebrafink^Wilhelmina^^^Mrs^^", "Zebrafink=A=B=C"])
def test_who_a_patient_is_stays_in_dicom(tmp_path: Path, scale: MapScale, caplog, name: str) -> None:
    """Names that a library takes for malformed are told by it in warnings and in its log."""
    files = KINDS["radiograph"](tmp_path / "in")
    header = pydicom.dcmread(files[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header.PatientName = name
    header.save_as(files[0])
    folder, one = tmp_path / "out", scored(files)
    page = PageWriter(scale)
    with warnings.catch_warnings(record=True) as told, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        for writer in (PictureWriter(scale), MapVolumeWriter(), DicomWriter(scale, "F", "1"), page):
            writer.write(one, folder)
        page.finish(folder)
    said = caplog.text + "".join(str(warning.message) for warning in told)
    identity = [b"Zebrafink", b"ZF-7781", b"19310203", b"ACC-5", header.SOPInstanceUID.encode()]
    written = [path for path in folder.rglob("*") if path.is_file()]
    for path in written:
        holds = [word for word in identity if word in path.read_bytes() or word.decode() in str(path)]
        assert bool(holds) == (path.suffix == ".dcm"), path
    assert len({path.suffix for path in written}) >= 5
    assert not [word for word in identity if word.decode() in said]


def test_sources_that_nothing_can_point_at_have_a_reason(tmp_path: Path, scale: MapScale) -> None:
    files = KINDS["radiograph"](tmp_path)
    header = pydicom.dcmread(files[0])
    del header.StudyInstanceUID
    header.save_as(files[0])
    assert write(tmp_path, scored(files), scale) == []
    assert "no StudyInstanceUID" in (tmp_path / "dicom" / "one.txt").read_text()


def test_what_a_source_leaves_out_is_empty(tmp_path: Path, scale: MapScale) -> None:
    """Of Type 2 in every object, and not in every file that hospitals have (PS3.3, C.7.1.1 and C.7.2.1)."""
    left_out = ("PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyTime", "AccessionNumber")
    files = KINDS["radiograph"](tmp_path)
    header = pydicom.dcmread(files[0])
    for keyword in left_out:
        del header[keyword]
    header.save_as(files[0])
    (made,) = write(tmp_path, scored(files), scale)
    assert all(made[keyword].is_empty for keyword in left_out)


def test_without_the_library_there_is_a_reason(tmp_path: Path, scale: MapScale, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert write(tmp_path, scored(KINDS["radiograph"](tmp_path)), scale) == []
    assert "extra `medical`" in (tmp_path / "dicom" / "one.txt").read_text()


def test_a_series_without_places_has_a_reason(tmp_path: Path, scale: MapScale) -> None:
    files = KINDS["series"](tmp_path)
    for path in files:
        header = pydicom.dcmread(path)
        del header.FrameOfReferenceUID
        header.save_as(path)
    assert write(tmp_path, scored(files), scale) == []
    assert "without places" in (tmp_path / "dicom" / "one.txt").read_text()
