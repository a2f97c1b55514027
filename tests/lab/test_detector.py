"""Every kind of method: fitted, scored with, saved, loaded; and scikit-learn's habits."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_score

from fusionmedclip.baselines import KINDS
from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector
from tests.lab.dicoms import write_series
from tests.lab.models import METHODS, WITHOUT, phantoms, small_model, write_overlay, write_pngs


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_overlay(tmp_path_factory.mktemp("overlay"))


def test_every_kind_of_the_registry_is_tried_here() -> None:
    assert set(METHODS) == {"fusionmedclip", *KINDS} - {"anomalib", "anomalyclip"}


@pytest.mark.parametrize("kind", METHODS)
def test_each_method_fits_predicts_and_comes_back_the_same(kind: str, overlay: Path, tmp_path: Path) -> None:
    normals, unseen = phantoms(4), phantoms(3, lesion=True, first=50)
    model = small_model(overlay, kind).fit(normals)
    result = model.predict(unseen)
    assert result.scores.shape == (3,)
    model.save(tmp_path / "model")
    again = AnomalyDetector.load(tmp_path / "model")
    found = again.predict(unseen)
    np.testing.assert_array_equal(found.scores, result.scores)
    if result.maps is not None:
        assert result.maps.shape == (3, 64, 64)
        np.testing.assert_array_equal(found.maps, result.maps)
    assert again.digest_ == model.digest_
    record = json.loads((tmp_path / "model" / "model.json").read_text())
    assert len(record["left_out"]["pictures"]["scores"]) == 4
    assert (record["backbone"] == {}) == (kind in WITHOUT)
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {"README.md", "model.json", "weights.safetensors"}


def test_arrays_and_files_are_alike(overlay: Path, tmp_path: Path) -> None:
    levels = np.rint(phantoms(5) * 255).astype(np.uint8)
    paths = write_pngs(tmp_path / "n", levels / 255)
    from_arrays = small_model(overlay, "patchcore").fit(levels[:4])
    from_files = small_model(overlay, "patchcore").fit(paths[:4])
    from_folder = small_model(overlay, "patchcore").fit([tmp_path / "n"], y=[0, 0, 0, 0, 1])
    expected = from_arrays.score_samples(levels)
    np.testing.assert_array_equal(from_files.score_samples(paths), expected)
    np.testing.assert_array_equal(from_folder.score_samples(paths), expected)
    np.testing.assert_array_equal(from_files.predict(tmp_path / "n").scores, expected)


def test_scikit_learns_habits(overlay: Path) -> None:
    model = small_model(overlay, "contrast", seed=3)
    assert model.get_params()["seed"] == 3
    copy = clone(model).set_params(seed=4)
    assert (model.seed, copy.seed) == (3, 4)
    assert "my_contrast" in repr(copy)
    assert "seed=4" in repr(copy)
    X = np.concatenate([phantoms(6), phantoms(6, lesion=True, first=60)])
    y = np.repeat([0, 1], 6)
    fitted = copy.fit(X, y)
    assert fitted is copy
    assert fitted.record_["support"]["inputs"] == 6  # the normals alone
    with pytest.raises(InputError, match="no normal image"):
        clone(model).fit(X, np.ones(12))
    found = cross_val_score(clone(model), X, y, scoring="roc_auc", cv=StratifiedKFold(2))
    assert found.shape == (2,)
    assert np.isfinite(found).all()
    plain = cross_val_score(clone(model).set_params(folds=0), X, y, cv=StratifiedKFold(2))
    np.testing.assert_allclose(plain, found)  # which needs no threshold
    threshold = fitted.record_["left_out"]["pictures"]["threshold"]
    np.testing.assert_allclose(fitted.decision_function(X), fitted.score_samples(X) - threshold)
    with pytest.raises(InputError, match="not fitted"):
        clone(model).predict(X)


def test_left_out_scores_are_of_models_without_the_image(overlay: Path) -> None:
    normals = phantoms(4)
    model = small_model(overlay, "patchcore", folds=2).fit(normals)
    without_even = small_model(overlay, "patchcore", folds=0).fit(normals[[1, 3]])
    without_odd = small_model(overlay, "patchcore", folds=0).fit(normals[[0, 2]])
    expected = [*without_even.score_samples(normals[[0, 2]]), *without_odd.score_samples(normals[[1, 3]])]
    kept = model.record_["left_out"]["pictures"]
    np.testing.assert_allclose(kept["scores"], sorted(expected), rtol=1e-6)
    assert kept["threshold"] > max(expected)  # four scores cannot promise 5 %: the highest, and its promise
    assert kept["false_positive_rate"] == pytest.approx(1 / 5)
    assert model.standing(min(expected)) == (0, False)
    assert model.standing(max(expected) * 2) == (100, True)
    assert without_odd.record_["left_out"] is None
    assert without_odd.standing(1.0) == (None, None)


def test_threads_are_those_of_the_configuration(overlay: Path, tmp_path: Path) -> None:
    found = []
    for count in (1, 2):
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            model = small_model(overlay, "fusionmedclip", folds=0).fit(phantoms(3))
            assert torch.get_num_threads() == count
        finally:
            torch.set_num_threads(before)
        model.save(tmp_path / str(count))
        found.append((tmp_path / str(count) / "weights.safetensors").read_bytes())
    assert found[0] == found[1]


def test_a_backbone_in_place_of_the_protocols_is_a_stand_in() -> None:
    from fusionmedclip.config import load_config
    from fusionmedclip.lab.recipe import recipe_of

    recipe = recipe_of(load_config(preset="offline"), "patchcore", device="cpu")
    assert recipe.stand_in
    assert recipe.rests_on.startswith("a stand-in: EfficientNet-Lite0, ImageNet")
    assert "in place of WideResNet-50-2, ImageNet" in recipe.rests_on
    ours = recipe_of(load_config(preset="offline"), "fusionmedclip", device="cpu")
    assert ours.stand_in
    assert "in place of ROCO-CLIP ViT-L/14" in ours.rests_on
    stock = recipe_of(load_config(), "patchcore", device="cpu")
    assert (stock.stand_in, stock.rests_on) == (False, "WideResNet-50-2, ImageNet")
    with pytest.raises(InputError, match="scores properties of files"):
        recipe_of(load_config(), "file_size", device="cpu")
    peers = load_config([Path(__file__).parents[2] / "configs/peers.yaml"])
    with pytest.raises(InputError, match=r"(?s)anomalyclip learns from labelled images of other.*workflow"):
        recipe_of(peers, "anomalyclip", device="cpu")


def test_a_volume_is_fitted_on_by_some_of_its_slices(overlay: Path, tmp_path: Path) -> None:
    volumes = []
    for number in range(3):
        values = phantoms(10, first=10 * number).transpose(2, 1, 0)
        volumes.append(tmp_path / f"{number}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), volumes[-1])
    model = small_model(overlay, "contrast", slices=4, folds=3).fit(volumes)
    assert model.record_["support"] | {"sha256": None} == {
        "inputs": 3, "volumes": 3, "images": 12, "sha256": None, "notes": [],
    }  # fmt: skip
    assert len(model.record_["left_out"]["pictures"]["scores"]) == 30
    assert len(model.record_["left_out"]["volumes"]["scores"]) == 3
    with pytest.raises(InputError, match="holds 10 slices"):
        model.predict(volumes[0])
    with pytest.raises(InputError, match="holds 10 slices"):
        model.predict(tmp_path)
    assert model.predict(f"{volumes[0]}#slice=0003").scores.shape == (1,)


def test_a_clone_of_a_loaded_model_is_fitted_as_the_model_was(
    overlay: Path, tmp_path: Path, monkeypatch
) -> None:
    """Its configuration may be gone; another one's defaults would be another method."""
    normals, unseen = phantoms(4), phantoms(2, lesion=True, first=50)
    model = small_model(overlay, "patchcore", folds=2, false_positive_rate=0.2, seed=3).fit(normals)
    model.save(tmp_path / "model")
    monkeypatch.setattr("fusionmedclip.lab.detector.load_config", None)
    again = clone(AnomalyDetector.load(tmp_path / "model")).fit(normals)
    np.testing.assert_array_equal(again.score_samples(unseen), model.score_samples(unseen))
    assert again.record_["left_out"] == model.record_["left_out"]
    with pytest.raises(InputError, match="a loaded model is of one method"):
        again.set_params(method="my_squid").fit(normals)


@pytest.mark.parametrize(
    "wrong",
    [{"rule": "foo"}, {"folds": -3}, {"folds": "4"}, {"seed": -1}, {"batch_size": 0}, {"slices": 1.5},
     {"false_positive_rate": "x"}, {"half": "yes"}],
)  # fmt: skip
def test_parameters_are_checked_before_work(overlay: Path, wrong: dict) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        small_model(overlay, "patchcore", **{"folds": 0, **wrong}).fit(phantoms(2))


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (5, None, "no images"),
        (None, None, "no images"),
        (b"a.png", None, "no images"),
        ({"a.png"}, None, "no images"),
        (pd.DataFrame({"path": ["a.png"]}), None, r"pass the column"),
        ([], None, "no normal image to fit on"),
        (np.zeros((2, 9, 9)), [0], "one label an image"),
        (np.zeros((2, 9, 9)), ["normal", "normal"], "labels are numbers"),
    ],
)
def test_what_is_no_image_or_no_label_is_named(overlay: Path, X, y, says: str) -> None:
    with pytest.raises(InputError, match=says):
        small_model(overlay, "contrast", folds=0).fit(X, y)


def test_what_is_walked_through_once_is_taken_and_blank_pictures_are_noted(overlay: Path) -> None:
    images = np.concatenate([phantoms(2), np.full((1, 64, 64), 0.5, np.float32)])
    model = small_model(overlay, "contrast", folds=0).fit(image for image in images)
    assert model.record_["support"]["notes"] == [
        "images[2]: blank: one grey value everywhere, whatever its score"
    ]


def test_a_folder_stands_for_its_pictures_alone_and_in_a_list(tmp_path: Path) -> None:
    paths = write_pngs(tmp_path / "in", phantoms(3)) + write_pngs(
        tmp_path / "in" / "deep", phantoms(1, first=9)
    )
    model = small_model(write_overlay(tmp_path)).fit([tmp_path / "in"])
    assert model.record_["support"]["inputs"] == 4
    expected = model.score_samples(paths)
    np.testing.assert_array_equal(model.score_samples(tmp_path / "in"), expected)
    np.testing.assert_array_equal(model.score_samples([str(tmp_path / "in")]), expected)
    more = model.score_samples([paths[0], tmp_path / "in" / "deep"])
    np.testing.assert_array_equal(more, expected[[0, 3]])
    with pytest.raises(InputError, match=r"00\.png: the same file as .*00\.png, which is taken"):
        model.fit([tmp_path / "in", tmp_path / "in" / "deep"])
    write_series(tmp_path / "ct", [0, 3, 6])
    for given in (tmp_path / "ct", [tmp_path / "ct"], [paths[0], tmp_path / "ct"]):
        with pytest.raises(InputError, match="ct: a series of several slices"):
            model.predict(given)


def test_the_same_pixels_count_once_in_a_support_set(tmp_path: Path) -> None:
    images = phantoms(4)
    paths = write_pngs(tmp_path / "in", images)
    overlay = write_overlay(tmp_path)
    once = small_model(overlay, "patchcore").fit(paths)
    for number, path in enumerate(paths):
        Image.open(path).save(tmp_path / "in" / f"{number:02d} copy.bmp")  # the same pixels in another file
    twice = small_model(overlay, "patchcore").fit(tmp_path / "in")
    assert twice.record_["left_out"] == once.record_["left_out"]
    assert twice.record_["support"]["inputs"] == 4
    (first, *_), notes = [str(path) for path in paths], twice.record_["support"]["notes"]
    assert len(notes) == 4
    assert f"the same pixels as {tmp_path / 'in' / '00 copy.bmp'}, counted once" in notes[0]
    assert notes[0].startswith(first)
    arrays = small_model(overlay).fit(np.concatenate([images, images]))
    assert arrays.record_["support"]["inputs"] == 4
    assert "images[4]: the same pixels as images[0], counted once" in arrays.record_["support"]["notes"]
