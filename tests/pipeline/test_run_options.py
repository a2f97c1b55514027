"""An oracle chooses on the test set and says so; a threshold comes from support images left out."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fusionmedclip.config import load_config
from fusionmedclip.data.sources.manifest import COLUMNS
from fusionmedclip.errors import InputError
from fusionmedclip.models.detector import Detector, Scores
from fusionmedclip.pipeline import runs
from fusionmedclip.pipeline.left_out import left_out_scores
from fusionmedclip.pipeline.measures import compute_metrics
from fusionmedclip.pipeline.runs import run_method

SUPPORT, TEST = 6, 12
BRIGHTNESS = {"name": "brightness", "kind": "mean_brightness", "settings": {"reading": "raw"}}


@pytest.fixture
def files(tmp_path):
    """Images of one shade each: what the prepared files of a data set hold, and where a run writes."""
    count = SUPPORT + TEST
    ids = [f"i{n:02}" for n in range(count)]
    shades = np.random.default_rng(0).random(count).astype(np.float32)
    labels = [0] * SUPPORT + [0, 1] * (TEST // 2)
    table = pd.DataFrame({c: "" for c in COLUMNS}, index=range(count)).assign(
        image_id=ids, file=ids, sha256=ids, label=labels
    )
    table.to_csv(tmp_path / "manifest.csv", index=False)
    np.save(tmp_path / "images.npy", np.broadcast_to(shades[:, None, None], (count, 8, 8)).copy())
    np.save(tmp_path / "masks.npy", np.full((count, 8, 8), 2, np.uint8))
    parts = ["pool"] * SUPPORT + ["test"] * TEST
    pd.DataFrame({"image_id": ids, "part": parts}).to_csv(tmp_path / "split.csv", index=False)
    pd.DataFrame({"image_id": ids[:SUPPORT]}).to_csv(tmp_path / "support.csv", index=False)
    suffix = {"images": "npy", "masks": "npy"}
    inputs = {
        n: str(tmp_path / f"{n}.{suffix.get(n, 'csv')}")
        for n in ("manifest", "images", "masks", "split", "support")
    }
    names = {"weights": "weights", "log": "log.csv", "provenance": "provenance.json", "scores": "scores.csv",
             "pixel_counts": "counts.npz", "examples": "examples.npz"}  # fmt: skip
    outputs = {n: str(tmp_path / "out" / file) for n, file in names.items()}
    return inputs, outputs, shades, np.array(labels)


def settings_of(method):
    return {"method": method, "dataset": "d", "split": "paper", "k": SUPPORT, "seed": 0, "threads": 1,
            "examples": 2, "split_seed": 0}  # fmt: skip


def measured(outputs, settings, folder):
    compute_metrics(
        scores=outputs["scores"], pixel_counts=outputs["pixel_counts"], provenance=outputs["provenance"],
        settings=settings, out=str(folder / "metrics.json"),
    )  # fmt: skip
    return json.loads((folder / "metrics.json").read_text())


class _Shown(Detector):
    """Keeps what it is shown."""

    def __init__(self, colour):
        self.colour, self.shapes = colour, []

    def fit(self, support, *, seed=0, progress=None):
        self.shapes.append(support.shape)
        self.support = support
        return self

    def score(self, images):
        self.shapes.append(images.shape)
        return Scores(
            images.reshape(len(images), -1).mean(axis=1).astype(float), np.zeros((len(images), 8, 8))
        )

    def save(self, folder):
        pass

    def restore(self, folder):
        return self


@pytest.mark.parametrize("colour", [True, False])
def test_colour_reaches_the_methods_that_take_it_and_luma_the_others(files, monkeypatch, colour):
    inputs, outputs, _, _ = files
    colours = np.random.default_rng(0).random((SUPPORT + TEST, 8, 8, 3), dtype=np.float32)
    np.save(inputs["images"], colours)
    asked, detector = {}, _Shown(colour)
    monkeypatch.setattr(runs, "make_method", lambda *a, **k: asked.update(k) or detector)
    settings = settings_of({"name": "m", "kind": "patchcore", "settings": {}}) | {"images": {"colour": True}}
    run_method(settings=settings, inputs=inputs, outputs=outputs)
    tail = (8, 8, 3) if colour else (8, 8)
    assert detector.shapes[0] == (SUPPORT, *tail)
    assert {shape[1:] for shape in detector.shapes} == {tail}
    expected = colours[:SUPPORT] if colour else colours[:SUPPORT] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(detector.support, expected, atol=1e-6)
    assert asked["images"] == {"colour": True}
    assert np.load(outputs["examples"])["maps"].shape[1:] == (8, 8)


class Drifting(Detector):
    """Scores by shade, inverted except after epoch 2: the best epoch is known beforehand."""

    sign = -1.0

    def fit(self, support, *, seed=0, progress=None, on_epoch=None):
        for epoch in (1, 2, 3, 4):
            progress({"epoch": epoch, "loss": 0.0})
            self.sign = 1.0 if epoch == 2 else -1.0
            if on_epoch:
                on_epoch(epoch, self)
        return self

    def score(self, images):
        return Scores(self.sign * images.mean(axis=(1, 2)).astype(float), None)

    def save(self, folder):
        pass

    def restore(self, folder):
        return self


def test_an_oracle_keeps_the_best_epoch_and_is_recorded_as_one(files, monkeypatch, tmp_path):
    inputs, outputs, shades, labels = files
    monkeypatch.setattr(runs, "make_method", lambda *a, **k: Drifting())
    forward = roc_auc_score(labels[SUPPORT:], shades[SUPPORT:])
    assert forward != 0.5
    settings = settings_of({"name": "m_oracle", "kind": "fusionmedclip", "settings": {}, "oracle": 1})
    run_method(settings=settings, inputs=inputs, outputs=outputs)
    record = measured(outputs, settings, tmp_path)
    assert record["metrics"]["image_auroc"] == pytest.approx(max(forward, 1 - forward))
    assert record["oracle"]["chosen_on"] == "test set"
    assert record["oracle"]["epoch"] == (2 if forward > 0.5 else 1)
    looks = [look["image_auroc"] for look in record["oracle"]["looks"]]
    assert looks == pytest.approx([1 - forward, forward, 1 - forward, 1 - forward])


def test_without_one_the_last_epoch_is_the_result(files, monkeypatch, tmp_path):
    inputs, outputs, shades, labels = files
    monkeypatch.setattr(runs, "make_method", lambda *a, **k: Drifting())
    settings = settings_of({"name": "m", "kind": "fusionmedclip", "settings": {}})
    run_method(settings=settings, inputs=inputs, outputs=outputs)
    record = measured(outputs, settings, tmp_path)
    last = roc_auc_score(labels[SUPPORT:], -shades[SUPPORT:])
    assert record["metrics"]["image_auroc"] == pytest.approx(last)
    assert "oracle" not in record


def test_an_oracle_must_be_named_one(root):
    data = load_config(root / "config.yaml").data
    data["methods"]["best"] = {"base": "fusionmedclip", "oracle": 10}
    with pytest.raises(InputError, match="test set"):
        type(load_config(root / "config.yaml")).checked(data)


def test_its_title_says_so(root):
    data = load_config(root / "config.yaml").data
    data["methods"]["best_oracle"] = {"base": "fusionmedclip", "title": "Best", "oracle": 10}
    assert type(load_config(root / "config.yaml")).checked(data).method("best_oracle")["title"] == (
        "Best, oracle: best epoch on the test set"
    )


def test_baselines_have_no_oracle(root):
    data = load_config(root / "config.yaml").data
    data["methods"]["patchcore_oracle"] = {"base": "patchcore", "oracle": 10}
    with pytest.raises(InputError, match="our own model"):
        type(load_config(root / "config.yaml")).checked(data)


def test_the_threshold_comes_from_the_support_set_alone(files, tmp_path):
    inputs, outputs, shades, labels = files
    settings = settings_of({**BRIGHTNESS, "support_folds": SUPPORT})
    run_method(settings=settings, inputs=inputs, outputs=outputs)
    record = measured(outputs, settings, tmp_path)
    highest = float(shades[:SUPPORT].max())  # 6 images: the rank of 95 % is the highest
    assert record["threshold"]["threshold"] == pytest.approx(highest)
    assert record["threshold"]["false_positive_rate"] == pytest.approx(1 / (SUPPORT + 1))
    called = shades[SUPPORT:] >= np.nextafter(highest, 2)
    truth = labels[SUPPORT:] == 1
    assert record["metrics"]["image_sensitivity"] == pytest.approx(called[truth].mean())
    assert record["metrics"]["image_specificity"] == pytest.approx(1 - called[~truth].mean())


def test_without_folds_there_is_no_threshold(files, tmp_path):
    inputs, outputs, *_ = files
    settings = settings_of(BRIGHTNESS)
    run_method(settings=settings, inputs=inputs, outputs=outputs)
    record = measured(outputs, settings, tmp_path)
    assert "threshold" not in record
    assert "image_f1" not in record["metrics"]


def test_no_image_is_scored_by_a_model_that_saw_it():
    fits = []

    def fit(positions):
        fits.append(set(positions.tolist()))
        return fits[-1]

    def score(seen, positions):
        assert not seen & set(positions.tolist())
        assert seen | set(positions.tolist()) == set(range(5))
        return positions * 10.0

    assert left_out_scores(5, 2, fit=fit, score=score).tolist() == [0, 10, 20, 30, 40]
    assert fits == [{1, 3}, {0, 2, 4}]


def test_more_folds_than_images_leave_one_out():
    left = []
    left_out_scores(3, 9, fit=lambda kept: left.append(3 - len(kept)), score=lambda model, out: out)
    assert left == [1, 1, 1]


@pytest.mark.parametrize(("count", "folds"), [(1, 4), (5, 1)])
def test_folds_need_two_images(count, folds):
    with pytest.raises(InputError, match="support folds"):
        left_out_scores(count, folds, fit=None, score=None)


class WithMaps(Drifting):
    """With maps."""

    def score(self, images):
        return Scores(images.mean(axis=(1, 2)).astype(float), images)


@pytest.mark.parametrize(("lesions", "metrics"), [(True, True), (False, False)])
def test_lesion_pixels_of_the_masks_are_counted(files, monkeypatch, tmp_path, lesions: bool, metrics: bool):
    inputs, outputs, _, labels = files
    masks = np.zeros((len(labels), 8, 8), np.uint8)
    masks[labels == 1, :2] = lesions
    np.save(inputs["masks"], masks)
    monkeypatch.setattr(runs, "make_method", lambda *a, **k: WithMaps())
    settings = settings_of({"name": "x", "kind": "x", "settings": {}})
    run_method(settings=settings, inputs=inputs, outputs=outputs)
    record = measured(outputs, settings, tmp_path)
    assert record["mask_pixels"] == {"lesion": 16 * (TEST // 2) * lesions, "scored": 64 * TEST}
    assert ("pixel_auroc" in record["metrics"]) == metrics
