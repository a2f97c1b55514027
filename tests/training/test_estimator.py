"""FusionMedCLIP for users: every row fits, predicts, is saved and comes back the same."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.base import clone

from fusionmedclip import FusionMedCLIP
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.store import build_backbone, open_backbone, save_backbone
from fusionmedclip.settings import build
from tests.training.towers import ROW4, ROW5, SMALL, VIT, pictures

SHORT = {"optimiser": {"epochs": 2, "batch_size": 2}}
MANUAL = {**ROW4, "prompt": {"form": "manual"}}
ROWS = {"row 1": MANUAL, "row 4": ROW4, "row 5": ROW5, "row 6": SMALL}


def make(model: dict, **settings) -> FusionMedCLIP:
    return FusionMedCLIP(backbone=VIT, settings={"model": model, **SHORT, **settings})


@pytest.mark.parametrize("row", ROWS)
def test_rows_fit_predict_save_and_load(row: str, tmp_path: Path) -> None:
    images = pictures(5)
    model = make(ROWS[row]).fit(images[:3], seed=4)
    result = model.predict(images)
    assert result.scores.shape == (5,)
    assert result.scores.dtype == np.float64
    assert (result.scores >= 0).all()
    assert (result.scores <= 1).all()
    if row in ("row 5", "row 6"):
        assert result.maps.shape == (5, 32, 32)
        assert result.maps.dtype == np.float32
        np.testing.assert_array_equal(result.maps.reshape(5, -1).max(axis=1), result.scores)
    else:
        assert result.maps is None
    model.save(tmp_path)
    again = FusionMedCLIP.load(tmp_path).predict(images)
    np.testing.assert_array_equal(again.scores, result.scores)
    if result.maps is not None:
        np.testing.assert_array_equal(again.maps, result.maps)


def test_scikit_learns_habits(tmp_path: Path) -> None:
    images, given = pictures(4), {"model": SMALL, **SHORT}
    model = FusionMedCLIP(backbone=VIT, settings=given).fit(images[:3], [0, 1, 0], seed=4)
    assert (model.get_params()["settings"], model.get_params()["threads"]) == (given, None)
    copy = clone(model)
    assert repr(copy) == repr(model)
    with pytest.raises(InputError, match="not fitted"):
        copy.predict(images)
    copy.fit(images[[0, 2]], seed=4)  # LoRA has adapted the first one's backbone, and not this one's
    np.testing.assert_array_equal(copy.score_samples(images), model.score_samples(images))
    assert copy.set_params(batch_size=2).model is None
    with pytest.raises(InputError, match="no such parameter"):
        copy.set_params(epochs=3)
    adapted = FusionMedCLIP(backbone=open_backbone(VIT), settings=given).fit(images[:2])
    with pytest.raises(InputError, match="adapted the backbone that it was given"):
        clone(adapted)


def test_threads_are_those_that_were_asked_for(tmp_path: Path) -> None:
    seen = []
    model = FusionMedCLIP(backbone=VIT, settings={"model": ROW4, **SHORT}, threads=2)
    before = torch.get_num_threads()
    model.fit(pictures(2), progress=lambda row: seen.append(torch.get_num_threads()))
    assert set(seen) == {2}
    assert torch.get_num_threads() == before
    model.save(tmp_path)
    assert FusionMedCLIP.load(tmp_path).threads == 2


def test_a_saved_model_holds_what_was_trained_and_no_more(tmp_path: Path) -> None:
    model = make(SMALL).fit(pictures(2), seed=4)
    model.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.json", "weights.safetensors"]
    state = load_file(tmp_path / "weights.safetensors")
    assert sum(t.numel() for t in state.values()) == sum(model.trained_parameters().values())
    assert {name.split(".")[0] for name in state} == {"prompts", "alignment", "block_adapters", "lora"}
    record = json.loads((tmp_path / "model.json").read_text())
    assert record["seed"] == 4
    lora = {"rank": 8, "alpha": 16, "dropout": 0.05, "output_projection": True}
    assert record["settings"]["model"]["lora"] == lora


def test_predictions_do_not_depend_on_batches() -> None:
    images = pictures(5)
    model = make(SMALL).fit(images[:2])
    whole = model.predict(images)
    model.batch_size = 2
    parts = model.predict(images)
    np.testing.assert_allclose(parts.scores, whole.scores, atol=1e-6)
    np.testing.assert_allclose(parts.maps, whole.maps, atol=1e-6)


@pytest.mark.parametrize("row", ROWS)
def test_equal_images_score_alike_to_the_last_bit(row: str) -> None:
    model = make(ROWS[row]).fit(pictures(2))
    images = np.repeat(pictures(1), 19, axis=0)  # 8 + 8 + 3
    assert len(np.unique(model.predict(images).scores)) == 1
    if row in ("row 4", "row 5"):
        backbone, pixels = model.backbone, model.backbone.pixels(images[:1])
        with torch.no_grad():
            made = (
                backbone.gap_features(pixels) if row == "row 4" else backbone.feature_maps(pixels, (1, 2, 3))
            )
        stored = [np.repeat(m.numpy(), 19, axis=0) for m in ([made] if row == "row 4" else made)]
        assert len(np.unique(model.score_features(stored, (32, 32)).scores)) == 1


def test_paths_and_arrays_are_the_same_images(tmp_path: Path) -> None:
    images = np.round(pictures(3) * 255).astype(np.uint8)
    paths = []
    for number, image in enumerate(images):
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), image)
    grey = images.astype(np.float32) / 255
    colour = np.repeat(grey[..., None], 3, axis=3)
    results = [make(ROW5).fit(support).predict(support).scores for support in (paths, grey, colour)]
    np.testing.assert_allclose(results[1], results[0], atol=1e-6)
    np.testing.assert_allclose(results[2], results[0], atol=1e-5)


@pytest.mark.parametrize("row", ["row 4", "row 5"])
def test_stored_features_score_as_the_images_do(row: str) -> None:
    images = pictures(5)
    model = make(ROWS[row]).fit(images[:2])
    assert model.frozen_features
    backbone, pixels = model.backbone, model.backbone.pixels(images)
    with torch.no_grad():
        if row == "row 4":
            assert model.layers == ("gap",)
            stored = [backbone.gap_features(pixels).numpy()]
        else:
            stored = [m.numpy() for m in backbone.feature_maps(pixels, model.layers)]
    np.testing.assert_allclose(
        model.score_features(stored, (32, 32)).scores, model.score(images).scores, atol=1e-6
    )


def test_features_are_not_shared_where_the_tower_is_adapted_or_rounded() -> None:
    assert not make(SMALL).frozen_features
    assert not make(ROW5, precision="bfloat16").frozen_features


def test_epochs_can_be_watched_for_an_oracle_and_the_last_one_is_kept() -> None:
    images, seen = pictures(4), []

    def watch(epoch: int, model: FusionMedCLIP) -> None:
        seen.append((epoch, model.predict(images).scores))

    watched = make(SMALL).fit(images[:2], on_epoch=watch)
    plain = make(SMALL).fit(images[:2])
    assert [epoch for epoch, _ in seen] == [1, 2]
    np.testing.assert_array_equal(seen[-1][1], plain.predict(images).scores)
    np.testing.assert_array_equal(watched.predict(images).scores, plain.predict(images).scores)


def test_training_for_nothing_is_the_zero_shot_model() -> None:
    images = pictures(4)
    results = [
        make(MANUAL, optimiser={"epochs": epochs}).fit(images[:2]).predict(images).scores for epochs in (0, 9)
    ]
    np.testing.assert_array_equal(*results)


def test_backbones_come_as_folder_mapping_or_object(tmp_path: Path) -> None:
    from fusionmedclip.models.backbones.store import BackboneSettings

    settings = build(BackboneSettings, VIT)
    save_backbone(build_backbone(settings), tmp_path, settings)
    images = pictures(3)
    results = [
        FusionMedCLIP(backbone=source, settings={"model": ROW5, **SHORT}).fit(images).predict(images).scores
        for source in (VIT, tmp_path, open_backbone(VIT))
    ]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_model_over_a_backbone_in_memory_is_loaded_over_one(tmp_path: Path) -> None:
    images = pictures(3)
    model = FusionMedCLIP(backbone=open_backbone(VIT), settings={"model": SMALL, **SHORT}).fit(images)
    model.save(tmp_path)
    with pytest.raises(InputError, match=r"(?s)in memory.*backbone="):
        FusionMedCLIP.load(tmp_path)
    again = FusionMedCLIP.load(tmp_path, backbone=open_backbone(VIT))
    np.testing.assert_array_equal(again.predict(images).scores, model.predict(images).scores)


def test_mistakes_are_named(tmp_path: Path) -> None:
    images = pictures(3)
    with pytest.raises(InputError, match=r"(?s)not fitted.*fit\(\)"):
        make(SMALL).predict(images)
    model = make(SMALL).fit(images)
    with pytest.raises(InputError, match="cannot be fitted again"):
        model.fit(images)
    with pytest.raises(InputError, match=r"(?s)no saved model.*saving"):
        FusionMedCLIP.load(tmp_path)
    with pytest.raises(InputError, match=r"(?s)unknown key model.lorra.*lora"):
        make({"lorra": None})
    model.save(tmp_path)
    with pytest.raises(InputError, match=r"(?s)other settings.*block_adapters.*absent"):
        make(ROW5).restore(tmp_path)


def test_images_are_brought_to_their_working_form_alike_wherever_they_come_from(tmp_path: Path) -> None:
    """Colour and kernel reach support, test images and a saved model; each of them changes the result."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 48, 40, 3)).astype(np.uint8)
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path, image in zip(paths, images, strict=True):
        cv2.imwrite(str(path), image[..., ::-1])
    forms = ({}, {"colour": True}, {"kernel": "bilinear"}, {"antialias": False})
    found = []
    for number, form in enumerate(forms):
        values = {"settings": {"model": ROW5, **SHORT}, "images": form}
        model = FusionMedCLIP(backbone=VIT, **values).fit(paths[:2], seed=1)
        scores = model.predict(paths).scores
        np.testing.assert_array_equal(
            FusionMedCLIP(backbone=VIT, **values).fit(images[:2], seed=1).predict(images).scores, scores
        )
        model.save(tmp_path / f"model{number}")
        again = FusionMedCLIP.load(tmp_path / f"model{number}")
        np.testing.assert_array_equal(again.predict(paths).scores, scores)
        found.append(scores.tobytes())
    assert len(set(found)) == len(forms)


def test_a_configurations_form_is_the_models(root: Path, tmp_path: Path) -> None:
    small = {"model": VIT["model"], "pretrained": None, "layers": [1, 2, 3]}
    overlay = {
        "image_size": 32,
        "images": {"colour": True, "kernel": "bilinear"},
        "backbones": {"clip": small, "roco_clip": {"stage1": None}},
        "methods": {"clip": {"settings": {"model": {"layers": [1, 2, 3]}}}},
        "results": str(tmp_path),
    }
    (tmp_path / "own.yaml").write_text(json.dumps(overlay))
    model = FusionMedCLIP.from_config([root / "config.yaml", tmp_path / "own.yaml"], method="align_adapter")
    assert (model.images.colour, model.images.kernel, model.images.antialias) == (True, "bilinear", True)
