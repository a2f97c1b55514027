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

from fusionmedclip import FusionMedCLIP
from fusionmedclip.cli import app
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbone_store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.outputs import check_outputs, check_writable, score_files
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
    assert "fitted on 3 images" in done.output
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
    ("out", "scores", "maps"),
    [
        ("s.csv", "s.csv", "s.npy"),
        ("new/deep/s.CSV", "new/deep/s.CSV", "new/deep/s.npy"),
        ("there", "there/scores.csv", "there/maps.npy"),
        ("new", "new/scores.csv", "new/maps.npy"),
    ],
)
def test_scores_and_maps_lie_beside_each_other(place: Path, out: str, scores: str, maps: str) -> None:
    (place / "there").mkdir()
    for _ in "ab":  # an earlier result may be replaced
        done = predict("--out", out)
        assert done.exit_code == 0, done.output
    table = pd.read_csv(scores)
    assert table["image"].tolist() == [f"normals/{n}.png" for n in range(3)]
    values = np.load(maps)
    assert values.shape == (3, 32, 32)
    np.testing.assert_allclose(values.reshape(3, -1).max(axis=1), table["score"], rtol=1e-6)
    assert not [p for p in place.rglob(".*")]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("s.npy", "written as CSV"),
        ("s.json", "written as CSV"),
        ("results", "a folder stands where a file would be written"),
        ("lonely.csv", "lonely.npy: would be overwritten"),
        ("normals", "among what is read"),
        ("normals/s.csv", "among what is read"),
        ("model/s.csv", "among what is read"),
        ("file/s.csv", "nothing can be written there"),
        ("/proc/s.csv", "nothing can be written there"),
    ],
)
def test_outputs_are_checked_before_work_begins(place: Path, monkeypatch, out: str, message: str) -> None:
    (place / "results" / "scores.csv").mkdir(parents=True)
    (place / "lonely.npy").write_text("mine")
    (place / "file").touch()
    monkeypatch.setattr(FusionMedCLIP, "load", no_work)
    before = sorted(place.rglob("*"))
    done = predict("--out", out)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert sorted(place.rglob("*")) == before
    assert (place / "lonely.npy").read_text() == "mine"


def test_an_image_is_never_overwritten(place: Path) -> None:
    done = run("predict", "model", "normals/0.png", "--out", "normals/0.png")
    assert done.exit_code == 2
    with pytest.raises(InputError, match="among what is read"):
        check_outputs([Path("a.csv"), Path("x.npy")], inputs=[Path("x.npy").absolute()])
    assert score_files(Path("v1.5/s.csv")) == (Path("v1.5/s.csv"), Path("v1.5/s.npy"))
    check_writable(place / "a" / "b")


def test_a_failed_write_leaves_the_earlier_result(place: Path, monkeypatch) -> None:
    assert predict("--out", "s.csv").exit_code == 0
    before = [(place / name).read_bytes() for name in ("s.csv", "s.npy")]

    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    done = predict("--out", "s.csv")
    assert done.exit_code == 2
    assert "s.csv: cannot be written (No space left on device)" in done.stderr
    assert [(place / name).read_bytes() for name in ("s.csv", "s.npy")] == before
    assert sorted(p.name for p in place.iterdir()) == ["model", "normals", "o.yaml", "out", "s.csv", "s.npy"]


def test_fit_refuses_a_place_before_it_works(place: Path, root: Path, monkeypatch) -> None:
    monkeypatch.setattr(FusionMedCLIP, "from_config", no_work)
    for out, message in (("normals", "holds other files"), ("o.yaml", "a file stands there")):
        done = fit(root, "--out", out)
        assert done.exit_code == 2
        assert message in done.stderr


def test_fit_writes_a_saved_model_again(place: Path, root: Path) -> None:
    before = (place / "model" / "weights.safetensors").read_bytes()
    done = fit(root, "--out", "model", "--seed", 1)
    assert done.exit_code == 0, done.output
    assert (place / "model" / "weights.safetensors").read_bytes() != before
    assert predict("--out", "s.csv").exit_code == 0


def test_masks_are_asked_for_by_their_suffix(place: Path, root: Path) -> None:
    done = run("predict", "model", "normals", "--out", "s.csv")
    assert done.exit_code == 2
    assert "named as the mask of 0.png" in done.stderr
    done = run("predict", "model", "normals", "--out", "s.csv", "--mask-suffix", "")
    assert "scored 6 images" in done.output


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


def test_a_baseline_is_none_of_this_model(place: Path, root: Path) -> None:
    done = fit(root, "--out", "x", method="patchcore")
    assert done.exit_code == 2
    assert "method patchcore is none of this model" in done.stderr


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


def test_results_beside_images_are_passed_over_the_next_time(place: Path) -> None:
    (place / "more").mkdir()
    shutil.copy(place / "normals/0.png", place / "more/0.png")
    assert run("predict", "model", "more/0.png", "--out", "more/s.csv").exit_code == 0
    assert run("predict", "model", "more", "--out", "t.csv").exit_code == 0
    (place / "more/x.npy").write_bytes(b"an array of something else")
    assert "NumPy array is not read" in run("predict", "model", "more", "--out", "t.csv").stderr


@pytest.mark.parametrize("again", ["normals", "normals/0.png", "link/1.png"])
def test_an_image_given_twice(place: Path, again: str) -> None:
    (place / "link").symlink_to(place / "normals")
    done = predict(again, "--out", "s.csv")
    assert done.exit_code == 2
    assert "given twice" in done.stderr
