"""The rules before any model: bring your own DICOM files, the two splits, data sets fetched by name."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from fusionmedclip.data.phantoms import draw_phantom

NAME = "Zebrafink^Wilhelmina"
STEPS = ["sign the form", "unpack the archive"]


@pytest.fixture(scope="module")
def mine(workflow) -> Path:
    """A clinic's folder of DICOM files, one of the normals twice, and its one entry of configuration."""
    folder = workflow.folder / "clinic"
    for index in range(18):
        lesion = index >= 12
        image = draw_phantom("chest_xray", size=64, lesion=lesion, seed=7, index=index).image
        _write_dicom(folder / ("ill" if lesion else "well") / f"{index:02}.dcm", image)
    shutil.copy(folder / "well" / "00.dcm", folder / "well" / "copy.dcm")
    origin = {"publisher": "The clinic", "homepage": "https://example.org", "licence": "in house",
              "expect": ["well", "ill"], "steps": STEPS}  # fmt: skip
    entry = {
        "title": "Our chests",
        "source": {"kind": "folder", "path": "clinic", "normal": ["well"], "abnormal": ["ill"]},
        "test": {"normal": 8, "abnormal": 6},
        "acquire": origin,
    }
    overlay = {"data": ".", "warm_jobs": False, "datasets": {"mine": entry}}
    (workflow.folder / "mine.yaml").write_text(yaml.safe_dump(overlay))
    shutil.copy(Path(__file__).parents[2] / "configs/grouped.yaml", workflow.folder / "grouped.yaml")
    return folder


def _write_dicom(path: Path, image: np.ndarray) -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.PatientName = NAME
    dataset.Rows, dataset.Columns = image.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.PixelData = np.rint(image * 4095).astype(np.uint16).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def _configured(*overlays: str) -> tuple[str, ...]:
    return "--configfile", "tiny.yaml", "mine.yaml", *overlays


def test_only_the_grouped_split_asks_for_duplicates(workflow, mine) -> None:
    printed = workflow.run(*_configured(), "--dry-run", "--", "results/tiny/datasets/mine/split_paper.csv")
    assert "split_dataset" in printed
    assert "curate_dataset" not in printed
    assert "acquire_dataset" not in printed
    target = "results/grouped/support/mine/grouped/k4_seed0.csv"
    printed = workflow.run(*_configured("grouped.yaml"), "--dry-run", "--", target)
    assert "curate_dataset" in printed
    assert "results/grouped/datasets/mine/duplicates.csv" in printed
    printed = workflow.run(
        *_configured("grouped.yaml"), "--dry-run", "--quiet", "rules", "--", "table6_row_1"
    )
    assert "run_method" in printed


def test_a_folder_of_dicom_files_becomes_a_data_set(workflow, mine) -> None:
    results = workflow.folder / "results/grouped"
    made = [f"datasets/mine/{name}" for name in ("images.npy", "datasheet.json", "statistics.csv")]
    targets = [f"results/grouped/{name}" for name in [*made, "support/mine/grouped/k4_seed0.csv"]]
    workflow.run(*_configured("grouped.yaml"), "--cores", "1", "--", *targets)
    manifest = pd.read_csv(results / "datasets/mine/manifest.csv")
    assert list(manifest["label"].value_counts().sort_index()) == [13, 6]
    images = np.load(results / "datasets/mine/images.npy")
    assert images.shape == (19, 64, 64)
    row = manifest.index[manifest["image_id"] == "well/05.dcm"][0]
    drawn = draw_phantom("chest_xray", size=64, lesion=False, seed=7, index=5).image
    assert np.abs(images[row] - drawn).max() < 2e-3  # 12 bits under a window of 4096
    split = pd.read_csv(results / "datasets/mine/split_grouped.csv").set_index("image_id")["part"]
    assert split["well/00.dcm"] == split["well/copy.dcm"]
    support = pd.read_csv(results / "support/mine/grouped/k4_seed0.csv")
    assert len(support) == 4
    assert set(split[support["image_id"]]) == {"pool"}
    sheet = json.loads((results / "datasets/mine/datasheet.json").read_text())
    assert (sheet["images"], sheet["masks_known"], sheet["licence"]) == (19, 13, "in house")
    statistics = pd.read_csv(results / "datasets/mine/statistics.csv")
    assert set(statistics["format"]) == {"DICOM"}
    for path in results.rglob("*"):
        if path.is_file():
            assert b"Zebrafink" not in path.read_bytes(), path


def test_an_image_that_is_changed_or_added_outside_of_the_workflow_is_seen(workflow, mine, tmp_path) -> None:
    asked = (
        *_configured("grouped.yaml"),
        "--dry-run",
        "--",
        "results/grouped/support/mine/grouped/k4_seed0.csv",
    )
    assert "Nothing to be done" in workflow.run(*asked)
    image, kept = mine / "well" / "03.dcm", tmp_path / "kept.dcm"
    shutil.copy2(image, kept)
    _write_dicom(image, draw_phantom("chest_xray", size=64, lesion=False, seed=8, index=3).image)
    os.utime(image, (0, 0))  # older than all that was made
    assert "list_dataset" in workflow.run(*asked)
    shutil.copy2(kept, image)
    assert "Nothing to be done" in workflow.run(*asked)
    shutil.copy2(kept, mine / "well" / "99.dcm")
    assert "list_dataset" in workflow.run(*asked)
    (mine / "well" / "99.dcm").unlink()


def test_a_set_is_checked_where_it_lies_and_explained_where_it_does_not(workflow, mine) -> None:
    workflow.run(*_configured(), "--", "acquire_mine")
    record = json.loads((workflow.folder / "results/tiny/acquired/mine.json").read_text())
    assert (record["publisher"], record["verification"]) == ("The clinic", None)
    workflow.change("path: clinic", "path: elsewhere", file="mine.yaml")
    printed = workflow.run(*_configured(), "--", "acquire_mine", ok=False)
    for said in (*STEPS, "The clinic", "elsewhere must hold: well, ill"):
        assert said in printed
    assert not (workflow.folder / "elsewhere").exists()
    workflow.change("path: elsewhere", "path: clinic", file="mine.yaml")


def test_a_table_of_the_cheapest_control_and_no_name_in_any_file(workflow, mine) -> None:
    tables = {"ours": {"title": "Ours", "metric": "image_auroc", "rows": "dataset_k", "datasets": ["mine"],
                       "shots": [4], "methods": ["mean_brightness_raw"]}}  # fmt: skip
    (workflow.folder / "ours.yaml").write_text(yaml.safe_dump({"tables": tables}))
    asked = ("--cores", "1", "--config", "warm_jobs=True", "--", "ours")
    workflow.run(*_configured("grouped.yaml", "ours.yaml"), *asked)
    results = workflow.folder / "results/grouped"
    table = pd.read_csv(results / "tables/ours.csv")
    manifest = pd.read_csv(results / "datasets/mine/manifest.csv").set_index("image_id")
    means = pd.Series(np.load(results / "datasets/mine/images.npy").mean(axis=(1, 2)), manifest.index)
    split = pd.read_csv(results / "datasets/mine/split_grouped.csv").set_index("image_id")["part"]
    tested = split.index[split == "test"]
    ill, well = (means[tested][manifest.loc[tested, "label"] == label].to_numpy() for label in (1, 0))
    assert table["mean"][0] == pytest.approx((ill[:, None] > well[None]).mean())
    for path in results.rglob("*"):
        if path.is_file():
            assert b"Zebrafink" not in path.read_bytes(), path


def test_a_broken_file_is_named_where_rules_are_quiet(workflow, mine) -> None:
    (mine / "well" / "empty.dcm").touch()
    printed = workflow.run(
        *_configured("grouped.yaml"), "--quiet", "rules", "--forcerun", "list_dataset",
        "--", "results/grouped/datasets/mine/manifest.csv", ok=False
    )  # fmt: skip
    (mine / "well" / "empty.dcm").unlink()
    log = re.search(r"list_dataset failed; what went wrong stands in (\S+)", printed)[1]
    assert "empty.dcm: empty file" in (workflow.folder / log).read_text()


@pytest.fixture(scope="module")
def published(workflow, mine) -> Path:
    """The clinic's files with a published split of MediCLIP's shape, two of the normals in neither list."""
    lists = {"train": [("well", n, 0) for n in range(4)]}
    lists["test"] = [("well", n, 0) for n in range(6, 12)] + [("ill", n, 1) for n in range(12, 18)]
    for name, images in lists.items():
        lines = [json.dumps({"filename": f"{c}/{n:02}.dcm", "label": y}) + "\n" for c, n, y in images]
        (mine / f"{name}.json").write_text("".join(lines))
    entry = {"source": {"samples": {"support": "train.json", "test": "test.json"}}, "test": {"normal": 6}}
    (workflow.folder / "published.yaml").write_text(yaml.safe_dump({"datasets": {"mine": entry}}))
    return mine


def test_a_published_split_decides_who_is_drawn_and_tested(workflow, published) -> None:
    overlays = _configured("published.yaml")
    support = "results/tiny/support/mine/paper/k4_seed0.csv"
    workflow.run(*overlays, "--cores", "1", "--", support)
    split = pd.read_csv(workflow.folder / "results/tiny/datasets/mine/split_paper.csv").set_index("image_id")
    parts = split["part"].groupby(split["part"]).groups
    assert sorted(parts["pool"]) == [f"well/{n:02}.dcm" for n in range(4)]
    assert sorted(parts["test"]) == [*(f"ill/{n}.dcm" for n in range(12, 18)),
                                     *(f"well/{n:02}.dcm" for n in range(6, 12))]  # fmt: skip
    assert sorted(parts["left_out"]) == ["well/04.dcm", "well/05.dcm", "well/copy.dcm"]
    assert sorted(pd.read_csv(workflow.folder / support)["image_id"]) == sorted(parts["pool"])


def test_an_edited_list_makes_the_manifest_again_and_a_wrong_one_is_named(workflow, published) -> None:
    overlays, manifest = _configured("published.yaml"), "results/tiny/datasets/mine/manifest.csv"
    assert "Nothing to be done" in workflow.run(*overlays, "--dry-run", "--", manifest)
    with (published / "test.json").open("a") as file:
        file.write('{"filename": "well/00.dcm", "label": 0}\n')
    printed = workflow.run(*overlays, "--", manifest, ok=False)
    assert "well/00.dcm is listed as support and as test image" in printed
    workflow.change("support: train.json", "support: no.json", file="published.yaml")
    assert "no such list of support images" in workflow.run(*overlays, "--", manifest, ok=False)


def test_each_public_set_has_a_target_and_a_bad_origin_one_readable_error(workflow, mine) -> None:
    (workflow.folder / "plain.yaml").write_text("results: results/plain\n")
    targets = [f"acquire_{name}" for name in ("busi", "brainmri", "chexpert", "roco")]
    printed = workflow.run("--configfile", "plain.yaml", "--dry-run", "--quiet", "rules", "--", *targets)
    assert re.search(r"^acquire_dataset +4$", printed, re.M)
    workflow.change("licence: in house", "license: in house", file="mine.yaml")
    printed = workflow.run(*_configured(), "--dry-run", "--", "acquire_mine", ok=False)
    assert "unknown key license" in printed
    assert "Traceback" not in printed
