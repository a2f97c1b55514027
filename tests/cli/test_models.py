"""`fusionmedclip fit` and `predict` as a user types them: outputs are checked first, and written whole."""

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.lab import AnomalyDetector
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.outputs import check_writable
from fusionmedclip.randomness import generator

TINY = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 8, "layers": 1, "head_width": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
}


def run(*arguments: object):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A folder with images, a backbone, an overlay, and a model fitted by the command; moved since."""
    folder = tmp_path_factory.mktemp("commands") / "first"
    (folder / "normals").mkdir(parents=True)
    for number in range(3):
        grey = generator(number, "test command").integers(0, 256, (40, 32)).astype(np.uint8)
        Image.fromarray(grey).save(folder / "normals" / f"{number}.png")
        Image.fromarray(grey // 2).save(folder / "normals" / f"{number}_seg.png")
    settings = BackboneSettings(model=TINY, image_size=32)
    save_backbone(build_backbone(settings), folder / "out" / "backbones" / "mine", settings)
    model = {"layers": [1], "lora": None, "block_adapter": None}
    overlay = {
        "results": "out",
        "image_size": 32,
        "device": "cpu",
        "backbones": {"mine": {"kind": "open_clip", "model": TINY, "layers": [1]}},
        "methods": {"small": {"kind": "fusionmedclip", "backbone": "mine",
                              "settings": {"model": model, "optimiser": {"epochs": 1, "batch_size": 2}}}},
    }  # fmt: skip
    (folder / "o.yaml").write_text(yaml.safe_dump(overlay))
    with contextlib.chdir(folder):
        done = fit(root, "--out", "model")
    assert done.exit_code == 0, done.output
    assert "on 3 normal inputs" in done.output
    return folder.rename(folder.with_name("home"))


def fit(root: Path, *arguments: object, method: str = "small"):
    configs = ("--config", root / "config.yaml", "--config", "o.yaml")
    return run("fit", "normals", "--method", method, *configs, "--mask-suffix", "_seg", *arguments)


@pytest.fixture
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder, the working folder of the test."""
    copy = shutil.copytree(home, tmp_path / "place")
    monkeypatch.chdir(copy)
    return copy


def no_work(*_, **__) -> None:
    pytest.fail("work began before the outputs were checked")


def predict(*arguments: object):
    return run("predict", "model", "normals", "--mask-suffix", "_seg", *arguments)


@pytest.mark.parametrize(
    ("out", "scores"),
    [
        ("s.csv", "s.csv"),
        ("new/deep/s.CSV", "new/deep/s.CSV"),
        ("there", "there/scores.csv"),
        ("v1.5", "v1.5/scores.csv"),
        ("new", "new/scores.csv"),
    ],
)
def test_scores_lie_where_they_are_asked_for(place: Path, out: str, scores: str) -> None:
    for folder in ("there", "v1.5"):
        (place / folder).mkdir()
    for _ in "ab":  # an earlier result may be replaced
        done = predict("--out", out)
        assert done.exit_code == 0, done.output
    table = pd.read_csv(scores)
    assert table["file"].tolist() == [f"normals/{n}.png" for n in range(3)]
    assert table["score"].between(0, 1).all()
    assert not [p for p in place.rglob(".*")]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("s.npy", "written into a folder"),
        ("s.json", "written into a folder"),
        ("folder.csv", "a folder stands where a file would be written"),
        ("lonely", "no earlier prediction's"),
        ("begun", "no earlier prediction's"),
        (".", "among what is read"),
        ("normals", "among what is read"),
        ("normals/s.csv", "among what is read"),
        ("model/s.csv", "among what is read"),
        ("file/s.csv", "nothing can be written there"),
        ("/proc/s.csv", "nothing can be written there"),
    ],
)
def test_outputs_are_checked_before_work_begins(place: Path, monkeypatch, out: str, message: str) -> None:
    (place / "folder.csv").mkdir()
    (place / "lonely").mkdir()
    (place / "lonely" / "skipped.csv").write_text("mine")
    (place / "begun" / "parts").mkdir(parents=True)  # anybody's
    (place / "begun" / "scores.csv").write_text("my,table")
    (place / "file").touch()
    monkeypatch.setattr(AnomalyDetector, "load", no_work)
    before = sorted(place.rglob("*"))
    done = predict("--out", out)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert sorted(place.rglob("*")) == before
    assert (place / "lonely" / "skipped.csv").read_text() == "mine"


def test_an_image_is_never_overwritten(place: Path) -> None:
    done = run("predict", "model", "normals/0.png", "--out", "normals/0.png")
    assert done.exit_code == 2
    check_writable(place / "a" / "b")


def test_a_failed_write_leaves_the_earlier_result(place: Path, monkeypatch) -> None:
    assert predict("--out", "s.csv").exit_code == 0
    before = (place / "s.csv").read_bytes()

    def full(path: Path, target: Path) -> Path:
        if Path(target).name == "s.csv":
            raise OSError(28, "No space left on device")
        return path.rename(target)

    monkeypatch.setattr(Path, "replace", full)
    done = predict("--out", "s.csv")
    assert done.exit_code == 2
    assert "s.csv: the prediction stopped (No space left on device)\n  Hint: make room" in done.stderr
    assert "--resume" not in done.stderr  # which needs a folder
    assert (place / "s.csv").read_bytes() == before
    assert sorted(p.name for p in place.iterdir()) == ["model", "normals", "o.yaml", "out", "s.csv"]


def test_fit_refuses_a_place_before_it_works(place: Path, root: Path, monkeypatch) -> None:
    monkeypatch.setattr(AnomalyDetector, "fit", no_work)
    for out, message in (("normals", "holds other files"), ("o.yaml", "a file stands there")):
        done = fit(root, "--out", out)
        assert done.exit_code == 2
        assert message in done.stderr


def test_fit_writes_a_saved_model_again(place: Path, root: Path) -> None:
    before = (place / "model" / "weights.safetensors").read_bytes()
    count = len([path for path in (place / "normals").iterdir() if "_seg" not in path.name])
    shutil.copy(place / "normals" / "0.png", place / "normals" / "copy.png")
    done = fit(root, "--out", "model", "--seed", 1)
    assert done.exit_code == 0, done.output
    assert f"on {count} normal inputs; saved in model" in done.output
    assert "copy.png: the same pixels as" in done.output
    assert (place / "model" / "weights.safetensors").read_bytes() != before
    assert predict("--out", "s.csv").exit_code == 0


def test_masks_are_asked_for_by_their_suffix(place: Path, root: Path) -> None:
    done = run("predict", "model", "normals", "--out", "s.csv")
    assert done.exit_code == 3
    assert "0_seg.png: named as the mask of 0.png" in done.output
    assert len(pd.read_csv("s.csv")) == 3
    done = run("predict", "model", "normals", "--out", "s.csv", "--mask-suffix", "")
    assert done.exit_code == 0
    assert "scored 6 inputs" in done.output
    done = run("fit", "normals", "--out", "x", "--preset", "offline")
    assert done.exit_code == 2
    assert "0_seg.png: named as the mask of 0.png" in done.stderr


def test_a_model_that_is_none_is_named_before_the_images(place: Path) -> None:
    done = run("predict", "normals", "nowhere", "--out", "s.csv")
    assert done.exit_code == 2
    assert "normals: no saved model in this folder" in done.stderr


def test_a_backbone_elsewhere_is_named(place: Path) -> None:
    shutil.move("out", "weights")
    done = predict("--out", "s.csv")
    assert done.exit_code == 2
    assert "--backbone" in done.stderr
    done = predict("--out", "s.csv", "--backbone", "weights/backbones/mine")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_a_gpu_that_is_not_there_is_one_sentence(place: Path, root: Path, monkeypatch, command: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    out = ("--out", "new", "--device", "cuda")
    done = fit(root, *out) if command == "fit" else predict(*out)
    assert done.exit_code == 2
    assert "a GPU was asked for, and torch finds none" in done.stderr
    assert "Traceback" not in done.output
    assert not (place / "new").exists()


def test_open_clips_words_of_random_weights_are_not_said(place: Path, root: Path, caplog) -> None:
    done = predict("--out", "s.csv")
    assert done.exit_code == 0
    assert "weights" not in caplog.text
    assert "no CLIP weights" not in done.output


def test_a_table_of_ones_own_is_no_earlier_result(place: Path) -> None:
    labels = "image,label\nnormals/0.png,0\n"
    (place / "labels.csv").write_text(labels)
    done = predict("--out", "labels.csv")
    assert done.exit_code == 2
    assert "labels.csv: would be overwritten" in done.stderr
    assert (place / "labels.csv").read_text() == labels


@pytest.mark.parametrize("again", ["normals", "normals/0.png", "link/1.png"])
def test_an_image_given_twice_is_scored_once(place: Path, again: str) -> None:
    (place / "link").symlink_to(place / "normals")
    done = predict(again, "--out", "s.csv")
    assert done.exit_code == 3
    assert "the same file as normals/" in done.output
    assert len(pd.read_csv("s.csv")) == 3
