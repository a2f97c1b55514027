"""A published split of MediCLIP's shape: read, matched to other folders, refused where it is wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.data.splits import make_split
from fusionmedclip.data.support import draw_support
from fusionmedclip.errors import InputError

SUPPORT, NORMAL, ABNORMAL = 5, 4, 3


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _lines(path: Path, entries: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


@pytest.fixture
def archive(tmp_path: Path, picture: Callable) -> Path:
    """An archive as its README describes it: numbered through support, normal and abnormal test images."""
    root = tmp_path / "archive"
    listed = {"train.json": [], "test.json": []}
    for number in range(SUPPORT + NORMAL + ABNORMAL):
        part = "train" if number < SUPPORT else "test"
        label = int(number >= SUPPORT + NORMAL)
        name = f"{part}/{('normal', 'abnormal')[label]}/image_{number}.png"
        _save(root / "images" / name, picture(number))
        entry = {"filename": name, "label": label, "clsname": "brainmri"}
        if label:
            entry["mask"] = f"test/ground_true/mask_{number}.png"
            _save(root / "images" / entry["mask"], np.full((40, 48), 255, np.uint8))
        listed[f"{part}.json"].append(entry)
    for name, entries in listed.items():
        _lines(root / "samples" / name, entries)
    return root


def _as_published(root: Path, **samples: str) -> dict:
    return {
        "kind": "folder",
        "path": str(root),
        "normal": ["images/train/normal", "images/test/normal"],
        "abnormal": ["images/test/abnormal"],
        "mask_suffix": "_mask",
        "samples": {"support": "samples/train.json", "test": "samples/test.json", **samples},
    }


@pytest.fixture
def original(archive: Path, tmp_path: Path) -> dict:
    """The same images under the publisher's names, as Kaggle's folders have them, and one more normal."""
    root = tmp_path / "original"
    for number, path in enumerate(sorted((archive / "images").rglob("image_*.png"))):
        folder = "yes" if path.parent.name == "abnormal" else "no"
        (root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / folder / f"{folder[0].upper()} {number}.png")
    _save(root / "no" / "98th.png", np.arange(1920, dtype=np.uint8).reshape(40, 48))
    samples = {part: str(archive / f"samples/{name}.json") for part, name in PARTS.items()}
    return {"kind": "folder", "path": str(root), "normal": ["no"], "abnormal": ["yes"], "samples": samples}


PARTS = {"support": "train", "test": "test"}


def test_an_archive_is_read_as_it_is(archive: Path) -> None:
    manifest = build_manifest(_as_published(archive), dataset="brainmri").set_index("image_id")
    assert len(manifest) == SUPPORT + NORMAL + ABNORMAL
    for image, row in manifest.iterrows():
        assert row["split"] == ("support" if "/train/" in image else "test")
    assert manifest.loc["images/test/abnormal/image_9.png", "mask"] == "images/test/ground_true/mask_9.png"
    assert set(manifest.loc[manifest["label"] == 0, "mask"]) == {""}


@pytest.mark.parametrize("name", ["paper", "grouped"])
def test_the_listed_images_are_the_test_set_and_the_pool(archive: Path, name: str) -> None:
    manifest = build_manifest(_as_published(archive), dataset="brainmri")
    counts = {"test_normal": NORMAL, "test_abnormal": ABNORMAL, "published": True}
    split = make_split(manifest, name=name, **counts).set_index("image_id")["part"]
    assert {image: "pool" if "/train/" in image else "test" for image in split.index} == split.to_dict()
    support = draw_support(split.reset_index(), k=SUPPORT, seed=3, dataset="brainmri")
    assert sorted(support["image_id"]) == [f"images/train/normal/image_{n}.png" for n in range(SUPPORT)]


@pytest.mark.parametrize("counts", [(NORMAL + 1, None), (NORMAL - 1, None), (None, ABNORMAL - 1)])
def test_counts_other_than_the_lists_are_refused(archive: Path, counts: tuple) -> None:
    manifest = build_manifest(_as_published(archive), dataset="brainmri")
    with pytest.raises(InputError, match="published split tests other"):
        make_split(manifest, name="paper", test_normal=counts[0], test_abnormal=counts[1], published=True)
    make_split(manifest, name="paper", test_normal=None, test_abnormal=None, published=True)


def test_images_of_other_names_are_known_by_their_bytes(archive: Path, original: dict) -> None:
    manifest = build_manifest(original, dataset="brainmri")
    published = build_manifest(_as_published(archive), dataset="brainmri").set_index("sha256")["split"]
    for row in manifest.itertuples():
        assert row.split == published.get(row.sha256, "not listed"), row.file
    assert list(manifest.loc[manifest["split"] == "not listed", "file"]) == ["no/98th.png"]
    split = make_split(manifest, name="paper", test_normal=NORMAL, test_abnormal=ABNORMAL, published=True)
    assert split["part"].value_counts().to_dict() == {
        "test": NORMAL + ABNORMAL,
        "pool": SUPPORT,
        "left_out": 1,
    }


def test_copies_of_one_image_stand_for_each_other(archive: Path, original: dict) -> None:
    """BrainMRI holds 25 exact copies: two entries of the same bytes take one file each."""
    same = archive / "images/train/normal/image_0.png"
    shutil.copy(same, archive / "images/train/normal/image_1.png")
    root = Path(original["path"])
    files = {path.read_bytes(): path for path in root.rglob("*.png")}
    taken = files[same.read_bytes()]
    shutil.copy(taken, taken.with_name("copy.png"))
    manifest = build_manifest(original, dataset="brainmri")
    copies = manifest[manifest["file"].isin([f"no/{taken.name}", "no/copy.png"])]
    assert list(copies["split"]) == ["support", "support"]


def test_other_folders_with_the_same_file_names(archive: Path, tmp_path: Path) -> None:
    """Without the published images beside the lists, by name; a name in both classes by its label."""
    for path in sorted((archive / "images").rglob("image_*.png")):
        folder = tmp_path / "flat" / ("ill" if path.parent.name == "abnormal" else "well")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(path, folder / path.name)
    twin = tmp_path / "flat/ill/image_0.png"
    shutil.copy(tmp_path / "flat/well/image_1.png", twin)
    source = {"kind": "folder", "path": str(tmp_path / "flat"), "normal": ["well"], "abnormal": ["ill"],
              "samples": {part: str(archive / f"samples/{n}.json") for part, n in PARTS.items()}}  # fmt: skip
    splits = {record.file: record.split for record in list_source(source).records}
    assert splits.pop("ill/image_0.png") == "not listed"
    assert splits["well/image_0.png"] == "support"
    assert sorted(splits.values()) == ["support"] * SUPPORT + ["test"] * (NORMAL + ABNORMAL)


BAD = {
    "not JSON": ("support", "image_0.png\n", "not JSON"),
    "an array": ("test", '[{"filename": "test/normal/image_5.png", "label": 0}]\n', "no `filename`"),
    "no name": ("test", '{"label": 0}\n', "no `filename`"),
    "no label": ("test", '{"filename": "test/normal/image_5.png"}\n', "`label` of a test image"),
    "label 2": ("test", '{"filename": "test/normal/image_5.png", "label": 2}\n', "received: 2"),
    "label true": ("test", '{"filename": "test/abnormal/image_9.png", "label": true}\n', "received: True"),
    "label 1.0": ("test", '{"filename": "test/abnormal/image_9.png", "label": 1.0}\n', "received: 1.0"),
    "name twice": (
        "test",
        '{"filename": "test/normal/image_4.png", "filename": "test/normal/image_5.png", "label": 0}\n',
        "a key twice",
    ),
    "text label": ("test", '{"filename": "test/normal/image_5.png", "label": "0"}\n', "received: '0'"),
    "an abnormal support": (
        "support",
        '{"filename": "train/normal/image_0.png", "label": 1}\n',
        "received: 1",
    ),
    "another label": ("test", '{"filename": "test/abnormal/image_9.png", "label": 0}\n', "another label"),
    "missing": ("test", '{"filename": "test/normal/image_99.png", "label": 0}\n', "is no image of"),
    "outside": (
        "test",
        '{"filename": "../images/test/normal/image_5.png", "label": 0}\n',
        "not a file below",
    ),
    "absolute": ("test", '{"filename": "/test/normal/image_5.png", "label": 0}\n', "not a file below"),
    "mask missing": (
        "test",
        '{"filename": "test/abnormal/image_9.png", "label": 1, "mask": "test/ground_true/x.png"}\n',
        "no such mask",
    ),
    "mask number": (
        "test",
        '{"filename": "test/abnormal/image_9.png", "label": 1, "mask": 7}\n',
        "`mask` is no",
    ),
    "empty": ("support", "\n\n", "lists no support image"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_line_is_named(archive: Path, case: str) -> None:
    part, text, says = BAD[case]
    path = archive / f"samples/{PARTS[part]}.json"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        build_manifest(_as_published(archive), dataset="brainmri")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("part", "entry", "says"),
    [
        ("test", "test/normal/image_5.png", r"image_5.png is listed twice, see .*test.json, line 1"),
        ("test", "train/normal/image_0.png", r"as support and as test image, see .*train.json, line 1"),
        ("test", "normal/image_5.png", r"is the image images/test/normal/image_5.png again"),
        ("test", "train\\normal\\image_0.png", r"as support and as test image"),
    ],
)
def test_an_image_is_listed_once(archive: Path, part: str, entry: str, says: str) -> None:
    with (archive / f"samples/{PARTS[part]}.json").open("a") as file:
        file.write(json.dumps({"filename": entry, "label": 0}) + "\n")
    with pytest.raises(InputError, match=says):
        build_manifest(_as_published(archive), dataset="brainmri")


def test_every_problem_is_said_at_once(archive: Path) -> None:
    path = archive / "samples/test.json"
    path.write_text('{"filename": "x.png", "label": 0}\nnothing\n{"filename": "y.png", "label": 1}\n')
    with pytest.raises(InputError) as caught:
        build_manifest(_as_published(archive), dataset="brainmri")
    for said in ("line 1: x.png", "line 2: not JSON", "line 3: y.png"):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        ({"support": "samples/none.json"}, "none.json: no such list of support images"),
        ({"pool": "samples/train.json"}, "names two lists"),
    ],
)
def test_a_missing_list_or_an_unknown_key_is_refused(archive: Path, samples: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        list_source(_as_published(archive, **samples))


def test_a_table_with_a_split_of_its_own_is_refused(archive: Path) -> None:
    (archive / "table.csv").write_text("path,label,split\nimages/train/normal/image_0.png,0,train\n")
    source = {"kind": "csv", "path": str(archive / "table.csv")}
    assert len(list_source(source).records) == 1
    samples = {"support": "samples/train.json", "test": "samples/test.json"}
    with pytest.raises(InputError, match="split of its own"):
        list_source({**source, "samples": samples})
