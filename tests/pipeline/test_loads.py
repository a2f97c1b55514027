"""Weights are read from disk once a run, however often it fits."""

import json

import pytest

from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.pipeline import runs
from tests.models.towers import vit_settings
from tests.pipeline.test_learnt import SUPPORT, write_set

RESNET = BackboneSettings(kind="timm", model="test_resnet", image_size=32)
PATCHCORE = {"layers": ["layer1", "layer2"], "embedding": "average"}
OURS = {"model": {"layers": [1, 2]}, "optimiser": {"epochs": 1, "batch_size": 2}}


def run(folder, backbone, kind, settings, folds):
    """Support scores, of models each fitted without one image."""
    if not (folder / "a").exists():
        write_set(folder / "a", 0)
        save_backbone(build_backbone(backbone), folder / "backbone", backbone)
    inputs = {name: folder / "a" / f"{name}.csv" for name in ("manifest", "support")}
    inputs |= {name: folder / "a" / f"{name}.npy" for name in ("images", "masks")}
    inputs |= {"split": folder / "a/split_paper.csv", "backbone": folder / "backbone/settings.json"}
    names = {"weights": "weights", "log": "log.csv", "provenance": "provenance.json", "scores": "scores.csv",
             "pixel_counts": "counts.npz", "examples": "examples.npz"}  # fmt: skip
    method = {"name": kind, "kind": kind, "settings": settings, **folds}
    run = {"method": method, "dataset": "a", "split": "paper", "k": SUPPORT, "seed": 5, "threads": 1,
           "examples": 2, "split_seed": 0}  # fmt: skip
    runs.run_method(
        settings=run,
        inputs={name: str(path) for name, path in inputs.items()},
        outputs={name: str(folder / file) for name, file in names.items()},
    )
    found = json.loads((folder / "provenance.json").read_text()).get("support_scores")
    return found, (folder / "scores.csv").read_bytes()


@pytest.mark.parametrize(
    ("backbone", "kind", "settings"),
    [(RESNET, "patchcore", PATCHCORE), (vit_settings(), "fusionmedclip", OURS)],
)
def test_folds_for_a_threshold_read_no_weights_again(tmp_path, monkeypatch, backbone, kind, settings):
    """LoRA adapts a tower in place, and the next fit starts from the weights as they were."""
    loads: list[object] = []
    load = runs.load_backbone
    monkeypatch.setattr(runs, "load_backbone", lambda folder: loads.append(folder) or load(folder))
    scores, whole = run(tmp_path, backbone, kind, settings, {"support_folds": SUPPORT})
    assert len(loads) == 1
    assert len(scores) == SUPPORT
    assert run(tmp_path, backbone, kind, settings, {})[1] == whole
    assert run(tmp_path, backbone, kind, settings, {"support_folds": SUPPORT}) == (scores, whole)
