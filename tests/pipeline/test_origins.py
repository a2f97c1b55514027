"""Where data come from: the entries of the configuration, what is recorded, and nothing fetched unasked."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from fusionmedclip.config import Config, load_config, merge
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.errors import InputError
from fusionmedclip.pipeline import origins
from fusionmedclip.pipeline.datasets import list_dataset, measure_dataset
from fusionmedclip.randomness import generator

ORIGIN = {
    "publisher": "A. Nyone", "homepage": "https://example.org/set", "licence": "CC0",
    "citation": "Nyone 2020", "expect": ["ill", "well"], "steps": ["sign the form", "unpack it"],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("well", "well", "ill")):
        picture = generator(number, "test origins").integers(0, 256, (20, 20 + number)).astype(np.uint8)
        path = tmp_path / "set" / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return tmp_path / "set"


@pytest.fixture
def source(folder: Path) -> dict:
    return {"kind": "folder", "path": str(folder), "normal": ["well"], "abnormal": ["ill"]}


def test_the_schema_knows_every_setting(root: Path) -> None:
    schema = yaml.safe_load((root / "schemas/config.schema.yaml").read_text())["$defs"]["acquire"]
    assert set(schema["properties"]) == {field.name for field in dataclasses.fields(AcquireSettings)}


def test_the_four_public_sets_say_where_they_come_from(root: Path) -> None:
    data = load_config(root / "config.yaml").data
    entries = {**data["datasets"], **data["captions"]}
    found = {name: AcquireSettings.from_config(entry["acquire"]) for name, entry in entries.items()}
    assert set(found) == {"brainmri", "busi", "chexpert", "roco"}
    assert all(origin.homepage.startswith("https://") and origin.citation for origin in found.values())
    assert [name for name, origin in found.items() if origin.url] == ["busi"]
    assert all(origin.url or origin.steps for origin in found.values())
    assert all(origin.sha256 is None for origin in found.values())  # nobody publishes one


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"source": {"kind": "chexpert", "uncertain": "perhaps"}}, "source.uncertain: value is not allowed"),
        ({"source": {"kind": "chexpert", "sead": 1}}, "unknown key sead"),
        ({"acquire": {"address": "https://example.org"}}, "unknown key address"),
        ({"acquire": {"url": "ftp://example.org/a.zip"}}, "acquire.url"),
    ],
)
def test_a_wrong_value_is_named(root: Path, entry: dict, says: str) -> None:
    data = load_config(root / "config.yaml").data
    with pytest.raises(InputError) as caught:
        Config.checked(merge(data, {"datasets": {"chexpert": entry}}))
    assert says in str(caught.value)


def test_by_hand_means_the_steps_and_no_file(tmp_path: Path) -> None:
    out = tmp_path / "results" / "set.json"
    with pytest.raises(InputError) as caught:
        origins.acquire_dataset(name="toy", settings=ORIGIN, folder=str(tmp_path / "set"), out=str(out))
    for said in (
        "1. sign the form",
        "2. unpack it",
        "A. Nyone",
        "https://example.org/set",
        "CC0",
        "ill, well",
    ):
        assert said in str(caught.value)
    assert not out.exists()


def test_what_lies_there_is_compared_with_the_shipped_list(tmp_path: Path, folder: Path, monkeypatch) -> None:
    listed = {
        "well/0.png": hashlib.sha256((folder / "well/0.png").read_bytes()).hexdigest(),
        "well/1.png": "0" * 64,
        "ill/9.png": "0" * 64,
    }
    monkeypatch.setattr("fusionmedclip.data.acquisition.acquire.shipped_checksums", lambda name: listed)
    out = tmp_path / "toy.json"
    settings = {**ORIGIN, "checksums": "toy"}
    origins.acquire_dataset(name="toy", settings=settings, folder=str(folder), out=str(out))
    record = json.loads(out.read_text())
    assert record["verification"] == {
        "identical": False, "same": 1, "different": ["well/1.png"], "missing": ["ill/9.png"],
        "extra": ["ill/2.png"],
    }  # fmt: skip
    assert (record["licence"], record["sha256"]) == ("CC0", {})
    assert str(tmp_path) not in out.read_text()


def test_a_datasheet_never_downloads(tmp_path: Path, source: dict, monkeypatch) -> None:
    monkeypatch.setattr("fusionmedclip.data.acquisition.gather.fetch", lambda *_: pytest.fail("it fetched"))
    list_dataset(dataset="toy", source=source, manifest=str(tmp_path / "manifest.csv"))
    common = {"dataset": "toy", "source": source, "manifest": str(tmp_path / "manifest.csv")}
    out = tmp_path / "datasheet.json"
    acquire = {**ORIGIN, "url": "https://example.org/set.zip", "checksums": "brainmri", "expect": ["gone"]}
    origins.write_datasheet(**common, acquire=acquire, stated={}, out=str(out))
    sheet = json.loads(out.read_text())
    assert (sheet["licence"], sheet["citation"], sheet["same_as_public"]) == ("CC0", "Nyone 2020", False)
    assert sheet["classes"]["well"] == {"label": 0, "images": 2}
    assert str(tmp_path) not in out.read_text()
    origins.write_datasheet(**common, acquire=None, stated={"licence": "ours"}, out=str(out))
    assert json.loads(out.read_text())["licence"] == "ours"


def test_statistics_follow_the_manifest(tmp_path: Path, source: dict, folder: Path) -> None:
    list_dataset(dataset="toy", source=source, manifest=str(tmp_path / "manifest.csv"))
    out = tmp_path / "statistics.csv"
    measure_dataset(source=source, manifest=str(tmp_path / "manifest.csv"), statistics=str(out))
    table = pd.read_csv(out)
    assert list(table["image_id"]) == ["ill/2.png", "well/0.png", "well/1.png"]
    assert list(table["area"]) == [20 * 22, 20 * 20, 20 * 21]
    assert list(table["bytes"]) == [(folder / name).stat().st_size for name in table["image_id"]]
