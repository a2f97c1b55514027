"""What is learnt ahead of the runs: the same scores as in one go, from pools alone, and never again."""

import json

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.config import load_config
from fusionmedclip.data.sources.manifest import COLUMNS
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.pipeline.learnt import learn_from_others, pools
from fusionmedclip.pipeline.runs import run_method
from fusionmedclip.randomness import generator
from fusionmedclip.reporting.tables.rows import Run, learnt_settings

REGAD = {"image_size": 32, "layers": ["layer1", "layer2"], "meta_steps": 3, "meta_batch": 2, "meta_shots": 1}
METHOD = {"name": "regad", "kind": "regad", "settings": REGAD}
SUPPORT, POOL, TEST = 3, 4, 6
WEIGHTS = "weights.safetensors"


def write_set(folder, number):
    """Noise as a prepared data set: pool, then test."""
    folder.mkdir()
    ids = [f"{folder.name}{n}" for n in range(POOL + TEST)]
    table = pd.DataFrame({c: "" for c in COLUMNS}, index=range(len(ids)))
    labels = [0] * POOL + [0, 1] * (TEST // 2)
    table.assign(image_id=ids, file=ids, sha256=ids, label=labels).to_csv(
        folder / "manifest.csv", index=False
    )
    np.save(folder / "images.npy", generator(number).random((len(ids), 32, 32), np.float32))
    np.save(folder / "masks.npy", np.full((len(ids), 32, 32), 2, np.uint8))
    parts = ["pool"] * POOL + ["test"] * TEST
    pd.DataFrame({"image_id": ids, "part": parts}).to_csv(folder / "split_paper.csv", index=False)
    pd.DataFrame({"image_id": ids[:SUPPORT]}).to_csv(folder / "support.csv", index=False)


@pytest.fixture
def work(tmp_path):
    for number, name in enumerate("abc"):
        write_set(tmp_path / name, number)
    settings = BackboneSettings(kind="timm", model="test_resnet", image_size=32)
    save_backbone(build_backbone(settings), tmp_path / "backbone", settings)
    return tmp_path


def meta(work):
    files = ("manifest.csv", "images.npy", "split_paper.csv")
    return [str(work / name / file) for name in "bc" for file in files]


def learn(work):
    folder = work / "learnt"
    made = {"weights": WEIGHTS, "log": "training_log.csv", "provenance": "provenance.json"}
    backbone = {"backbone": "settings.json", "backbone_weights": "model.safetensors"}
    inputs = {name: str(work / "backbone" / file) for name, file in backbone.items()}
    learn_from_others(
        settings={"method": METHOD, "seed": 5, "threads": 1},
        inputs={**inputs, "meta": meta(work)},
        outputs={name: str(folder / file) for name, file in made.items()},
    )
    return [folder / file for file in made.values()]


def run(work, out, **more):
    inputs = {name: work / "a" / f"{name}.csv" for name in ("manifest", "support")}
    inputs |= {name: work / "a" / f"{name}.npy" for name in ("images", "masks")}
    inputs |= {"split": work / "a/split_paper.csv", "backbone": work / "backbone/settings.json"}
    names = {"weights": "weights", "log": "log.csv", "provenance": "provenance.json", "scores": "scores.csv",
             "pixel_counts": "counts.npz", "examples": "examples.npz"}  # fmt: skip
    outputs = {name: str(work / out / file) for name, file in names.items()}
    settings = {"method": METHOD, "dataset": "a", "split": "paper", "k": SUPPORT, "seed": 5, "threads": 1,
                "examples": 2, "split_seed": 0}  # fmt: skip
    files = {name: str(path) for name, path in inputs.items()}
    run_method(settings=settings, inputs={**files, "meta": meta(work), **more}, outputs=outputs)
    return json.loads((work / out / "provenance.json").read_text())


def test_runs_have_the_bytes_of_learning_in_one_go(work):
    whole = run(work, "whole")
    files = learn(work)
    ahead = run(work, "ahead", learnt=list(map(str, files)))
    for name in ("scores.csv", "log.csv", f"weights/{WEIGHTS}"):
        assert (work / "whole" / name).read_bytes() == (work / "ahead" / name).read_bytes()
    for name in ("counts.npz", "examples.npz"):
        one, other = np.load(work / "whole" / name), np.load(work / "ahead" / name)
        assert all(np.array_equal(one[key], other[key]) for key in one.files)
    assert ahead["trained_parameters"] == whole["trained_parameters"]
    learnt = json.loads(files[2].read_text())
    assert ahead["timing"]["fit_s"] > learnt["timing"]["fit_s"] > 0
    assert set(ahead["inputs"]) - set(whole["inputs"]) == set(map(str, files))


def test_nothing_but_pools_is_learnt_from(work):
    """Another test set of another data set changes nothing, another pool does."""
    before = learn(work)[0].read_bytes()
    images = {name: np.load(work / name / "images.npy") for name in "bc"}
    for name, rows in images.items():
        np.save(work / name / "images.npy", np.concatenate([rows[:POOL], 1 - rows[POOL:]]))
    assert learn(work)[0].read_bytes() == before
    for name, rows in images.items():
        np.save(work / name / "images.npy", 1 - rows)
    assert learn(work)[0].read_bytes() != before
    found = pools([work / "b" / name for name in ("manifest.csv", "images.npy", "split_paper.csv")])
    assert list(found) == ["b"]
    np.testing.assert_array_equal(found["b"], 1 - images["b"][:POOL])


def test_neither_k_nor_what_is_tested_decides_what_is_learnt():
    config = load_config([])
    four, more = (learnt_settings(config, Run("busi", "paper", "regad", k, 0)) for k in (4, 32))
    assert four == more
    assert four != learnt_settings(config, Run("busi", "paper", "regad", 4, 1))
    assert four["meta"].keys() == {"brainmri", "chexpert"}
    assert not {"test", "source", "k"} & four.keys()
