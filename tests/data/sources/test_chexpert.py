"""CheXpert's table, with a small one of the same make."""

from pathlib import Path

import pytest
from PIL import Image

from fusionmedclip.data.curation.check import check_dataset
from fusionmedclip.data.sources.chexpert import PATHOLOGIES
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.errors import InputError

COLUMNS = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding", *PATHOLOGIES, "Support Devices"]


def _row(patient: int, study: int = 1, view: str = "Frontal", **labels: str) -> list[str]:
    file = f"CheXpert-v1.0-small/train/patient{patient:05d}/study{study}/view1_{view.lower()}.jpg"
    facts = {"Path": file, "Sex": "Female", "Age": "68", "Frontal/Lateral": view, "AP/PA": "AP", **labels}
    return [facts.get(name, "") for name in COLUMNS]


@pytest.fixture
def write(tmp_path: Path):
    """Write the table and an image for each row; give the source."""

    def make(rows: list[list[str]], **keys) -> dict:
        root = tmp_path / "CheXpert-v1.0-small"
        for row in rows:
            target = tmp_path / row[0]
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (39, 32), 100).save(target)
        lines = [",".join(COLUMNS)] + [",".join(row) for row in rows]
        root.mkdir(exist_ok=True)
        (root / "train.csv").write_text("\n".join(lines) + "\n")
        return {"kind": "chexpert", "path": str(root), **keys}

    return make


NORMAL, ILL = {"No Finding": "1.0"}, {"Edema": "1.0", "Pneumonia": "-1.0", "Cardiomegaly": "0.0"}


def _labels(source: dict) -> dict[str, int]:
    return {record.file.split("/")[1]: record.label for record in list_source(source).records}


ODD = [
    _row(1, **NORMAL),
    _row(2, **ILL),
    _row(3, Edema="-1.0"),  # only uncertain
    _row(4, **NORMAL, Edema="-1.0"),  # normal but for an uncertain finding
    _row(5, view="Lateral", **ILL),
    _row(6, **{"Support Devices": "1.0", "No Finding": "1.0"}),
    _row(7),  # nothing said
    _row(8, **NORMAL, Fracture="1.0"),  # contradicts itself: the pathology counts
    _row(9, Pneumonia="0.0"),
]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            {"normal": 2, "abnormal": 2},
            {"patient00001": 0, "patient00002": 1, "patient00006": 0, "patient00008": 1},
        ),
        (
            {"normal": 2, "abnormal": 4, "uncertain": "positive"},
            {"patient00001": 0, "patient00002": 1, "patient00003": 1, "patient00004": 1, "patient00006": 0,
             "patient00008": 1},
        ),
        (
            {"normal": 3, "abnormal": 2, "uncertain": "negative"},
            {"patient00001": 0, "patient00002": 1, "patient00004": 0, "patient00006": 0, "patient00008": 1},
        ),
        (
            {"normal": 1, "abnormal": 2, "support_devices": False},
            {"patient00001": 0, "patient00002": 1, "patient00008": 1},
        ),
    ],
)  # fmt: skip
def test_labels_by_policy(write, keys: dict, expected: dict) -> None:
    assert _labels(write(ODD, **keys)) == expected


def test_one_image_a_patient_and_no_patient_twice(write) -> None:
    rows = [_row(p, s, **(NORMAL if (p + s) % 2 else ILL)) for p in range(1, 31) for s in (1, 2, 3)]
    records = list_source(write(rows, normal=12, abnormal=10)).records
    assert len({record.group for record in records}) == len(records) == 22
    assert sum(record.label for record in records) == 10
    assert all(record.group in record.file for record in records)


def test_seed_decides_and_the_order_of_the_table_does_not(write) -> None:
    rows = [_row(p, **(NORMAL if p % 2 else ILL)) for p in range(1, 61)]
    keys = {"normal": 10, "abnormal": 10}
    first = _labels(write(rows, **keys))
    assert _labels(write(rows[::-1], **keys)) == first
    assert _labels(write(rows, **keys, seed=1)) != first


def test_manifest_holds_the_patient_as_group(write) -> None:
    manifest = build_manifest(
        write([_row(1, **NORMAL), _row(2, **ILL)], normal=1, abnormal=1), dataset="chexpert"
    )
    assert manifest["group"].tolist() == ["patient00001", "patient00002"]
    assert manifest["file"][0] == "train/patient00001/study1/view1_frontal.jpg"
    assert not {"Female", "68"} & set(manifest.to_numpy().ravel().astype(str))


@pytest.mark.parametrize(
    ("rows", "keys", "says"),
    [
        ([_row(1, **NORMAL)], {"normal": 2, "abnormal": 0}, "fewer normal patients"),
        ([_row(1, **NORMAL)], {"normal": 1, "abnormal": 1}, "fewer abnormal patients"),
        ([_row(1, **NORMAL)], {"uncertain": "zeros"}, "unknown policy"),
        ([_row(1, Edema="2")], {}, "must be 1, 0, -1 or empty"),
        ([_row(1, Edema="yes")], {}, "must be 1, 0, -1 or empty"),
        ([_row(1, **NORMAL)], {"tables": ["valid.csv"]}, "no such table"),
        ([["somewhere/a.jpg", *_row(1, **NORMAL)[1:]]], {}, "patientN/studyN"),
    ],
)
def test_what_is_not_chexpert(write, rows: list, keys: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        list_source(write(rows, **keys))


def test_missing_columns(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("Path,No Finding\na,1\n")
    with pytest.raises(InputError, match="'Cardiomegaly' is missing"):
        list_source({"kind": "chexpert", "path": tmp_path})


def _moved(source: dict, tmp_path: Path, layout: str) -> dict:
    """The set of ``write``, laid out as another download."""
    root, other = Path(source["path"]), tmp_path / "other"
    other.mkdir()
    if layout == "the folder above":
        root.rename(other / root.name)
    elif layout == "release only":
        (root / "train").rename(other / "train")
        (root / "train.csv").rename(other / "train.csv")
    else:
        first, second = (
            other / f"CheXpert-v1.0 batch {n} ({w})" for n, w in ((1, "validate & csv"), (2, "train 1"))
        )
        third = other / "CheXpert-v1.0 batch 3 (train 2)"
        first.mkdir()
        third.mkdir()
        (root / "train.csv").rename((first if layout == "batches" else other) / "train.csv")
        patients = sorted((root / "train").iterdir())
        second.mkdir()
        for number, patient in enumerate(patients):
            patient.rename((second if number % 2 else third) / patient.name)
    return {**source, "path": str(other)}


SIX = [_row(n, **(NORMAL if n < 4 else ILL)) for n in range(1, 7)]


@pytest.mark.parametrize("layout", ["release only", "batches", "batches, the table beside them"])
def test_layouts_of_downloads(write, tmp_path: Path, layout: str) -> None:
    plain = write(SIX, normal=3, abnormal=3)
    before = build_manifest(plain, dataset="x")
    source = _moved(plain, tmp_path, layout)
    after = build_manifest(source, dataset="x")
    assert after["sha256"].tolist() == before["sha256"].tolist()
    assert sorted(after["group"]) == sorted(before["group"])


def test_one_folder_too_deep_is_named(write, tmp_path: Path) -> None:
    source = _moved(write(SIX, normal=3, abnormal=3), tmp_path, "the folder above")
    report = check_dataset(source)
    assert not report.usable
    assert "it lies in CheXpert-v1.0-small/: set `path` to" in report.problems[0]
    assert check_dataset({**source, "path": f"{source['path']}/CheXpert-v1.0-small"}).usable


def test_no_image_at_all_is_one_problem(write, tmp_path: Path) -> None:
    source = write(SIX, normal=3, abnormal=3)
    (Path(source["path"]) / "train").rename(Path(source["path"]) / "pictures")
    report = check_dataset(source)
    assert len(report.problems) == 1
    assert "none of the images that the table names is there" in report.problems[0]
    assert "folders there: pictures" in report.problems[0]
