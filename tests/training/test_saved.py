"""A saved model is found with its backbone wherever both are, refused over another, explained if broken."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fusionmedclip import FusionMedCLIP
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.digest import backbone_digest
from fusionmedclip.models.backbones.store import BackboneSettings, load_backbone, open_backbone, save_backbone
from fusionmedclip.settings import build
from fusionmedclip.training.saved import read_trained, write_trained
from fusionmedclip.training.saved_record import check_place
from tests.training.towers import ROW5, SMALL, VIT, pictures

SHORT = {"optimiser": {"epochs": 1, "batch_size": 2}}
IMAGES = pictures(3)


def make_backbone(folder: Path, *, seed: int = 0) -> None:
    settings = build(BackboneSettings, {**VIT, "init_seed": seed})
    save_backbone(open_backbone({**VIT, "init_seed": seed}), folder, settings)


def fit_in(home: Path) -> np.ndarray:
    """Save a model and its backbone under relative names; its scores."""
    home.mkdir()
    with contextlib.chdir(home):
        make_backbone(Path("out/clip"))
        model = FusionMedCLIP(backbone="out/clip", settings={"model": ROW5, **SHORT}).fit(IMAGES)
        model.save("models/mine")
    return model.predict(IMAGES).scores


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    folder = tmp_path_factory.mktemp("saved")
    scores = fit_in(folder / "home")
    return (folder / "home").rename(folder / "moved"), scores


@pytest.fixture
def fitted(made: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, np.ndarray]:
    """A model and its backbone, moved together, and its scores."""
    home = shutil.copytree(made[0], tmp_path / "home")
    monkeypatch.chdir(home)
    return home / "models" / "mine", made[1]


def test_it_works_from_any_folder_and_after_a_move(tmp_path: Path, monkeypatch) -> None:
    scores = fit_in(tmp_path / "home")
    folder = tmp_path / "home" / "models" / "mine"
    for place in ("/", tmp_path, folder):
        monkeypatch.chdir(place)
        np.testing.assert_array_equal(FusionMedCLIP.load(folder).predict(IMAGES).scores, scores)
        relative = os.path.relpath(folder)
        np.testing.assert_array_equal(FusionMedCLIP.load(relative).predict(IMAGES).scores, scores)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").rename(tmp_path / "moved")  # both
    moved = tmp_path / "moved" / "models" / "mine"
    np.testing.assert_array_equal(FusionMedCLIP.load(moved).predict(IMAGES).scores, scores)
    (tmp_path / "moved").rename(tmp_path / "home")
    shutil.move(folder, tmp_path / "away")  # the model alone
    np.testing.assert_array_equal(FusionMedCLIP.load(tmp_path / "away").predict(IMAGES).scores, scores)


def test_a_backbone_that_lies_elsewhere_is_asked_for_and_taken(fitted: tuple, tmp_path: Path) -> None:
    folder, scores = fitted
    shutil.move("out/clip", tmp_path / "weights")
    with pytest.raises(InputError, match=r"(?s)not where it was.*out/clip.*--backbone"):
        FusionMedCLIP.load(folder)
    for place in (tmp_path / "weights", str(tmp_path / "weights"), load_backbone(tmp_path / "weights")):
        np.testing.assert_array_equal(
            FusionMedCLIP.load(folder, backbone=place).predict(IMAGES).scores, scores
        )
    with pytest.raises(InputError, match="no backbone in this folder"):
        FusionMedCLIP.load(folder, backbone=tmp_path)


def test_another_backbone_is_refused(fitted: tuple, tmp_path: Path) -> None:
    folder, scores = fitted
    make_backbone(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match=r"(?s)fitted on another backbone than .*other.*--backbone"):
        FusionMedCLIP.load(folder, backbone=tmp_path / "other")
    shutil.copytree("out/clip", tmp_path / "kept")
    make_backbone(Path("out/clip"), seed=1)  # made again
    with pytest.raises(InputError, match=r"(?s)fitted on another backbone than .*clip.*digest"):
        FusionMedCLIP.load(folder)
    with pytest.raises(InputError, match="another backbone"):
        FusionMedCLIP(backbone="out/clip", settings={"model": ROW5, **SHORT}).restore(folder)
    np.testing.assert_array_equal(
        FusionMedCLIP.load(folder, backbone=tmp_path / "kept").predict(IMAGES).scores, scores
    )


def test_a_model_over_a_file_of_weights_is_moved_with_backbone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(open_backbone(VIT).clip_model.state_dict(), "clip.pt")
    model = FusionMedCLIP(backbone={**VIT, "pretrained": "clip.pt"}, settings={"model": ROW5, **SHORT})
    model.fit(IMAGES).save("mine")
    monkeypatch.chdir("/")
    expected = model.predict(IMAGES).scores
    np.testing.assert_array_equal(FusionMedCLIP.load(tmp_path / "mine").predict(IMAGES).scores, expected)
    (tmp_path / "clip.pt").rename(tmp_path / "moved.pt")
    with pytest.raises(InputError, match=r"(?s)neither a file nor a tag.*clip\.pt"):
        FusionMedCLIP.load(tmp_path / "mine")
    again = FusionMedCLIP.load(tmp_path / "mine", backbone=tmp_path / "moved.pt")
    np.testing.assert_array_equal(again.predict(IMAGES).scores, expected)


def test_adapting_a_tower_in_place_does_not_change_whose_it_is(tmp_path: Path) -> None:
    model = FusionMedCLIP(backbone=VIT, settings={"model": SMALL, **SHORT}).fit(IMAGES)
    model.save(tmp_path)
    again = FusionMedCLIP.load(tmp_path).predict(IMAGES)
    np.testing.assert_array_equal(again.scores, model.predict(IMAGES).scores)


def test_the_digest_is_of_what_is_computed(tmp_path: Path) -> None:
    first = backbone_digest(open_backbone(VIT))
    make_backbone(tmp_path)
    assert backbone_digest(load_backbone(tmp_path)) == first == backbone_digest(open_backbone(VIT))
    changed = open_backbone(VIT)
    with torch.no_grad():
        changed.clip_model.logit_scale += 1e-3
    others = [
        changed,
        open_backbone({**VIT, "init_seed": 1}),
        open_backbone({**VIT, "quick_gelu": True}),
        open_backbone({**VIT, "mean": (0.5,) * 3, "std": (0.2,) * 3}),
    ]
    assert len({first, *map(backbone_digest, others)}) == 5


def damage(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def edited(**changes) -> Callable[[Path], None]:
    def change(data: bytes) -> bytes:
        return json.dumps({**json.loads(data), **changes}).encode()

    return damage("model.json", change)


def another_tensor(folder: Path) -> None:
    state = load_file(folder / "weights.safetensors")
    save_file({n: v + 1 for n, v in state.items()}, folder / "weights.safetensors")


BROKEN = {
    "no record": (lambda folder: (folder / "model.json").unlink(), "lacks its model.json"),
    "no weights": (lambda folder: (folder / "weights.safetensors").unlink(), r"lacks its weights"),
    "nothing": (lambda folder: shutil.rmtree(folder), "no saved model in this folder"),
    "cut record": (damage("model.json", lambda data: data[:20]), r"model\.json, line 3"),
    "cut weights": (damage("weights.safetensors", lambda d: d[:-8]), r"weights\.safetensors: cut short"),
    "weights of another fit": (another_tensor, r"weights\.safetensors: not the weights that model\.json"),
    "a list": (damage("model.json", lambda _: b"[]"), "a later version, or no model"),
    "first version": (edited(format=1, backbone="out/clip"), "an earlier version, which did not record"),
    "later version": (edited(format=4), r"(?s)a later version.*4.*format 3"),
    "no seed": (edited(seed=None), r"(?s)broken record.*seed"),
    "no digest": (edited(backbone={}), r"(?s)broken record.*digest"),
    "no place": (edited(backbone={"digest": "x", "source": "out/x"}), r"saved model \(KeyError: 'beside'\)"),
    "unknown setting": (edited(settings={"modell": {}}), "unknown key modell"),
    "setting of a wrong kind": (edited(settings={"model": []}), "must be a mapping"),
    "another kernel": (edited(images={"kernel": "bilinear"}), "model.json: altered since"),
    "another seed": (edited(seed=7), "model.json: altered since"),
    "too large": (damage("model.json", lambda d: d.replace(b'"seed": ', b'"s": 1e999, "seed": ')), "large"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_and_older_folders_are_explained(fitted: tuple, kind: str) -> None:
    folder, _ = fitted
    change, message = BROKEN[kind]
    change(folder)
    with pytest.raises(InputError, match=message) as caught:
        FusionMedCLIP.load(folder)
    assert "mine" in str(caught.value)


def test_weights_of_other_shapes_are_named(tmp_path: Path) -> None:
    record = {"settings": {}, "seed": 0, "backbone": {"digest": "x"}}
    write_trained(tmp_path, {"prompts.context": torch.nn.Parameter(torch.zeros(1, 8, 16))}, record)
    with pytest.raises(InputError, match=r"(?s)prompts.context.*\(1, 8, 16\).*\(2, 8, 16\)"):
        read_trained(tmp_path, {"prompts.context": torch.nn.Parameter(torch.zeros(2, 8, 16))})


def test_a_failed_save_leaves_the_model_that_was_there(fitted: tuple, monkeypatch) -> None:
    folder, scores = fitted
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = FusionMedCLIP(backbone="out/clip", settings={"model": ROW5, **SHORT}).fit(
        IMAGES[::-1].copy(), seed=3
    )
    monkeypatch.setattr(json, "dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        other.save(folder)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert np.array_equal(FusionMedCLIP.load(folder).predict(IMAGES).scores, scores)


def test_places_are_checked_before_work_begins(tmp_path: Path, fitted: tuple) -> None:
    check_place(tmp_path / "new" / "model")
    (fitted[0] / ".DS_Store").touch()
    check_place(fitted[0])
    (tmp_path / "images").mkdir()
    check_place(tmp_path / "images")
    (tmp_path / "images" / "a.png").touch()
    with pytest.raises(InputError, match=r"(?s)images: holds other files.*a\.png"):
        check_place(tmp_path / "images")
    with pytest.raises(InputError, match=r"a\.png: a file stands there"):
        check_place(tmp_path / "images" / "a.png")
    with pytest.raises(InputError, match="nothing can be written"):
        check_place(Path("/proc/model"))
