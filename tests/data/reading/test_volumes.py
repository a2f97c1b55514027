"""DICOM series, volumes as records, and scores and maps put together again."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from fusionmedclip.data import ReadSettings, read_image
from fusionmedclip.data.files.kinds import is_image_file, split_slice, stem_of, with_slice
from fusionmedclip.data.reading.pixels import prepare_pixels
from fusionmedclip.data.reading.recombine import reduce_scores, write_map_volume
from fusionmedclip.data.reading.volumes import read_volume, slice_count
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.errors import InputError

AXIAL = [1, 0, 0, 0, 1, 0]


@pytest.fixture
def series(tmp_path: Path, write_dicom, picture):
    """Write a series whose slice n lies at 2.5 n mm and holds 100 n everywhere but for its picture."""

    def write(name: str, count: int = 7, **attributes) -> Path:
        for n in range(count):
            pixels = np.full((8, 10), 100 * n, np.int16)
            place = {"ImageOrientationPatient": AXIAL, "ImagePositionPatient": [0, 0, 2.5 * n]}
            # neither names nor instance numbers follow the position
            file = tmp_path / name / f"IM{(n * 5) % count:03d}"
            write_dicom(file, pixels, **{"InstanceNumber": count - n, **place, **attributes})
        return tmp_path / name

    return write


def test_slices_are_ordered_by_position(series) -> None:
    volume = read_volume(series("a"), settings=ReadSettings(percentiles=(0, 100)))
    assert volume.slices.shape == (7, 8, 10)
    np.testing.assert_allclose(volume.slices[:, 3, 3], np.arange(7) / 6, atol=1e-6)  # scaled together
    assert slice_count(series("a")) == 7


def test_oblique_slices(tmp_path: Path, write_dicom) -> None:
    normal = np.array([0.0, -0.6, 0.8])
    for n in range(5):
        position = [float(v) for v in (10 - 3 * n) * normal + [5, 0, 0]]
        place = {"ImageOrientationPatient": [1, 0, 0, 0, 0.8, 0.6], "ImagePositionPatient": position}
        write_dicom(tmp_path / "s" / f"{n}.dcm", np.full((4, 4), n, np.int16), **place)
    slices = read_volume(tmp_path / "s", settings=ReadSettings(percentiles=(0, 100))).slices
    np.testing.assert_allclose(slices[:, 0, 0], [1, 0.75, 0.5, 0.25, 0], atol=1e-6)


def test_without_positions_instance_numbers_decide(series) -> None:
    folder = series("a", ImagePositionPatient=None)
    slices = read_volume(folder, settings=ReadSettings(percentiles=(0, 100))).slices
    np.testing.assert_allclose(slices[:, 0, 0], np.arange(7)[::-1] / 6, atol=1e-6)


def test_folder_reads_as_its_middle_slice(series) -> None:
    settings = ReadSettings(percentiles=(0, 100))
    folder = series("a")
    assert read_image(folder, settings=settings)[0, 0] == pytest.approx(0.5)
    assert read_image(f"{folder}#slice=6", settings=settings)[0, 0] == pytest.approx(1)


def test_folders_that_are_not_one_series(series, tmp_path: Path, write_dicom) -> None:
    scout = series("scout")
    write_dicom(
        scout / "scout.dcm", np.zeros((20, 30), np.int16), ImageOrientationPatient=[0, 1, 0, 0, 0, -1]
    )
    with pytest.raises(
        InputError, match=r"scout: several series, sizes or orientations.*\n.*10 x 8, 30 x 20"
    ):
        read_volume(scout)
    phases = series("phases")
    place = {"ImageOrientationPatient": AXIAL, "ImagePositionPatient": [0, 0, 2.5]}
    write_dicom(phases / "again.dcm", np.zeros((8, 10), np.int16), **place)
    with pytest.raises(InputError, match="phases: several slices at one position"):
        read_volume(phases)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: a folder without DICOM files"):
        read_image(tmp_path / "empty")


def test_names() -> None:
    assert split_slice("a b/c#1.nii.gz#slice=0007") == (Path("a b/c#1.nii.gz"), 7)
    assert split_slice(with_slice("a\n.nii", 1)) == (Path("a\n.nii"), 1)
    assert split_slice("a#slice=x.png") == (Path("a#slice=x.png"), None)
    assert with_slice("a.nii", 12) == "a.nii#slice=0012"
    assert [stem_of(Path(n)) for n in ("a.nii.gz", "a.b.png", "1.2.840.7", "x")] == [
        "a",
        "a.b",
        "1.2.840.7",
        "x",
    ]


def test_pairs_count_once(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Pair(np.zeros((3, 3, 3), np.int16), np.eye(4)), tmp_path / "a.img")
    assert sorted(p.name for p in tmp_path.iterdir() if is_image_file(p)) == ["a.img"]
    assert read_image(tmp_path / "a.img").shape == (3, 3)


def _volumes(root: Path) -> dict:
    """Two normal volumes of 4 and 6 slices, one abnormal with a lesion on slice 2."""
    for name, depth in (("no/a", 4), ("no/b", 6), ("yes/c", 5)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        values = np.arange(3 * 4 * depth, dtype=np.int16).reshape(3, 4, depth, order="F")
        nibabel.save(nibabel.Nifti1Image(values, np.diag([-1, 1, 2, 1])), root / f"{name}.nii.gz")
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[1, 2, 2] = 1
    (root / "masks").mkdir()
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([-1, 1, 2, 1])), root / "masks" / "c.nii.gz")
    return {"kind": "folder", "path": str(root), "normal": "no", "abnormal": "yes", "mask_folder": "masks",
            "read": {"square_pixels": False}}  # fmt: skip


def test_all_slices_of_a_folder_of_volumes(tmp_path: Path) -> None:
    source = {**_volumes(tmp_path / "set"), "slices": "all"}
    manifest = build_manifest(source, dataset="toy")
    assert len(manifest) == 15
    assert manifest["image_id"][0] == "no/a.nii.gz#slice=0000"
    assert manifest.groupby("group").size().to_dict() == {
        "no/a.nii.gz": 4,
        "no/b.nii.gz": 6,
        "yes/c.nii.gz": 5,
    }
    assert manifest.groupby("group")["sha256"].nunique().tolist() == [1, 1, 1]
    settings = ReadSettings.from_config(source["read"])
    _, masks = prepare_pixels(manifest, tmp_path / "set", 12, settings=settings)
    assert masks.any(axis=(1, 2)).tolist() == [False] * 12 + [True] + [False] * 2


@pytest.mark.parametrize(("slices", "count"), [("middle", 3), (2, 6), (100, 15)])
def test_some_slices(tmp_path: Path, slices, count: int) -> None:
    assert len(list_source({**_volumes(tmp_path), "slices": slices}).records) == count


@pytest.mark.parametrize("slices", ["every", 0, True, 1.5])
def test_unknown_slices(tmp_path: Path, slices) -> None:
    with pytest.raises(InputError, match="unknown `slices`"):
        list_source({**_volumes(tmp_path), "slices": slices})


def test_series_as_records(series, tmp_path: Path) -> None:
    for name in ("set/no/p1.a", "set/no/p1.b", "set/yes/p2"):
        series(name)
    source = {"kind": "folder", "path": tmp_path / "set", "normal": "no", "abnormal": "yes", "series": True}
    assert [r.file for r in list_source(source).records] == ["no/p1.a", "no/p1.b", "yes/p2"]
    manifest = build_manifest({**source, "slices": "all"}, dataset="toy")
    assert len(manifest) == 21
    assert manifest["sha256"].nunique() == 3


def test_pictures_beside_series(series, tmp_path: Path, write_dicom) -> None:
    series("set/yes/ct")
    for name in ("no/a.dcm", "no/b.dcm", "yes/c.dcm"):
        write_dicom(tmp_path / "set" / name, np.zeros((8, 10), np.uint16))
    source = {"kind": "folder", "path": tmp_path / "set", "normal": "no", "abnormal": "yes", "series": True}
    assert [r.file for r in list_source(source).records] == ["no", "yes/c.dcm", "yes/ct"]
    series("set/no/ct")
    assert [r.file for r in list_source(source).records] == [
        "no/a.dcm",
        "no/b.dcm",
        "no/ct",
        "yes/c.dcm",
        "yes/ct",
    ]


def test_mask_of_another_kind_is_refused(series, tmp_path: Path) -> None:
    series("set/yes/c")
    _volumes(tmp_path / "other")
    (tmp_path / "set" / "masks").mkdir()
    (tmp_path / "other" / "masks" / "c.nii.gz").rename(tmp_path / "set" / "masks" / "c.nii.gz")
    source = {
        "kind": "folder",
        "path": tmp_path / "set",
        "normal": "yes",
        "series": True,
        "mask_folder": "masks",
    }
    with pytest.raises(InputError, match="must be stored as the volume is"):
        build_manifest(source, dataset="toy")


def test_groups_from_names(tmp_path: Path, folder: Path, source: dict) -> None:
    grouped = build_manifest({**source, "group_pattern": r"_(\d)\.png$"}, dataset="toy")
    assert grouped["group"].tolist() == ["6", "7", "8", "9", "0", "1", "2", "3", "4", "5"]
    with pytest.raises(InputError, match="does not match"):
        build_manifest({**source, "group_pattern": r"patient(\d+)"}, dataset="toy")
    with pytest.raises(InputError, match="no regular expression"):
        build_manifest({**source, "group_pattern": r"("}, dataset="toy")


@pytest.mark.parametrize(("how", "expected"), [("max", 19.0), ("mean", 9.5), ("top", 18.5)])
def test_the_score_of_a_volume(how: str, expected: float) -> None:
    assert reduce_scores(np.arange(20.0), how) == expected


def test_an_unknown_rule_of_volumes() -> None:
    with pytest.raises(InputError, match="unknown reduction"):
        reduce_scores(np.arange(3.0), "median")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_maps_overlay_their_volume(tmp_path: Path, axis: int) -> None:
    source = _volumes(tmp_path / "set")
    path = tmp_path / "set" / "yes" / "c.nii.gz"
    settings = ReadSettings(axis=axis, percentiles=(0, 100), square_pixels=False)
    volume = read_volume(path, settings=settings)
    write_map_volume(
        range(len(volume.slices)), volume.slices, like=path, target=tmp_path / "map.nii.gz", settings=settings
    )
    written, original = nibabel.load(tmp_path / "map.nii.gz"), nibabel.load(path)
    np.testing.assert_array_equal(written.affine, original.affine)
    np.testing.assert_allclose(written.get_fdata(), original.get_fdata() / 59, atol=1e-6)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["map.nii.gz", "set"]
    assert source["kind"] == "folder"
