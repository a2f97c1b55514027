"""Models saved: whole, alone, with the rights of any file, and nothing else beside them."""

import json
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from fusionmedclip import FusionMedCLIP
from fusionmedclip.baselines import ranges
from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector
from tests.killed_writes import kills
from tests.lab.models import phantoms, small_model, write_overlay


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_overlay(tmp_path_factory.mktemp("overlay"))


def test_a_killed_save_leaves_nothing_to_the_next(overlay: Path, tmp_path: Path, monkeypatch) -> None:
    """In a new folder each time, which must not be a stranger's then; others' hidden files stay."""
    model = small_model(overlay, "patchcore").fit(phantoms(4))
    halves, folder = set(), tmp_path
    places = iter(tmp_path / str(number) for number in range(1, 100))

    def save() -> None:
        nonlocal folder
        folder = next(places)
        model.save(folder, self_contained=True)

    for _ in kills(save, monkeypatch):
        halves |= {path.relative_to(folder).as_posix() for path in folder.rglob(".*.part")}
        mine = [
            folder / ".notes.part",
            folder / ".git" / ".object.0a1b2c3d.part",
            folder / ".m.onnx.0a1b2c3d.part",
        ]
        mine[1].parent.mkdir()
        for path in mine:
            path.touch()
        model.save(folder, self_contained=True)
        assert AnomalyDetector.load(folder).digest_ == model.digest_
        assert sorted(folder.rglob(".*.part")) == sorted(mine)
    assert {name.split(".")[1] for name in halves if name.startswith(".")} >= {"weights", "model", "backbone"}


def test_half_precision_keeps_the_auroc(overlay: Path, tmp_path: Path) -> None:
    normals, X = phantoms(8), np.concatenate([phantoms(20, first=20), phantoms(20, lesion=True, first=80)])
    y = np.repeat([0, 1], 20)
    for kind in ("patchcore", "fusionmedclip"):
        whole = small_model(overlay, kind, folds=0).fit(normals)
        half = small_model(overlay, kind, folds=0, half=True).fit(normals)
        aurocs = [roc_auc_score(y, model.score_samples(X)) for model in (whole, half)]
        assert abs(aurocs[0] - aurocs[1]) <= 0.01
        half.save(tmp_path / kind)
        state = load_file(tmp_path / kind / "weights.safetensors")
        assert {tensor.dtype for tensor in state.values()} == {torch.float16}
        again = AnomalyDetector.load(tmp_path / kind)
        np.testing.assert_array_equal(again.score_samples(X), half.score_samples(X))


@pytest.mark.parametrize("half", [False, True])
def test_a_self_contained_model_needs_nothing_else(half: bool, overlay: Path, tmp_path: Path) -> None:
    normals = phantoms(4)
    model = small_model(overlay, "fusionmedclip", folds=0, half=half).fit(normals)
    model.save(tmp_path / "first", self_contained=True)
    expected = model.score_samples(normals)
    (tmp_path / "first").rename(tmp_path / "moved")
    record = json.loads((tmp_path / "moved" / "model.json").read_text())
    assert record["backbone"]["beside"] == "backbone"
    assert isinstance(record["backbone"]["source"], str)
    np.testing.assert_array_equal(AnomalyDetector.load(tmp_path / "moved").score_samples(normals), expected)
    ours = FusionMedCLIP.load(
        tmp_path / "moved"
    )  # our own class reads what it knows, on the caller's threads
    np.testing.assert_allclose(ours.predict(normals).scores, expected, atol=1e-6)
    dtypes = {t.dtype for t in load_file(tmp_path / "moved" / "backbone" / "model.safetensors").values()}
    assert (torch.float16 in dtypes) == half


@pytest.mark.parametrize("damage", ["a bit", "no settings"])
def test_an_equal_backbone_elsewhere_does_not_hide_a_damaged_own_one(
    damage: str, overlay: Path, tmp_path: Path
) -> None:
    model = small_model(overlay, "patchcore", folds=0).fit(phantoms(2))
    model.save(tmp_path / "first", self_contained=True)
    copy = shutil.copytree(tmp_path / "first", tmp_path / "copy")
    if damage == "a bit":
        weights = bytearray((copy / "backbone" / "model.safetensors").read_bytes())
        weights[-1] ^= 1
        (copy / "backbone" / "model.safetensors").write_bytes(weights)
    else:
        (copy / "backbone" / "settings.json").unlink()
    with pytest.raises(InputError, match=r"copy/backbone"):
        AnomalyDetector.load(copy)
    AnomalyDetector.load(copy, backbone=tmp_path / "first" / "backbone")


def test_weights_have_the_rights_of_any_new_file(overlay: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        model = small_model(overlay, "patchcore", folds=0).fit(phantoms(2))
        model.save(tmp_path / "model", self_contained=True)
    finally:
        os.umask(before)
    rights = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert rights == {0o640}


def test_a_folder_of_other_things_is_not_saved_into(overlay: Path, tmp_path: Path) -> None:
    (tmp_path / "project" / "backbone").mkdir(parents=True)
    (tmp_path / "project" / "backbone" / "mine.txt").touch()
    model = small_model(overlay, "contrast", folds=0).fit(phantoms(2))
    with pytest.raises(InputError, match="holds other files"):
        model.save(tmp_path / "project")
    assert (tmp_path / "project" / "backbone" / "mine.txt").exists()


def test_settings_that_are_no_longer_allowed_name_the_model(overlay: Path, tmp_path, monkeypatch) -> None:
    small_model(overlay, "patch_nn").fit(phantoms(4)).save(tmp_path / "model")
    monkeypatch.setattr(ranges, "_NARROWEST", 100)
    with pytest.raises(InputError, match=r"(?s)model/model.json: .*`sigma`.*100 to"):
        AnomalyDetector.load(tmp_path / "model")
