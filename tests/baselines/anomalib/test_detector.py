"""Models of anomalib as ours, and ours as anomalib's; where anomalib is installed."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.errors import InputError

PADIM = {
    "model": "Padim",
    "image_size": 64,
    "arguments": {"backbone": "resnet18", "layers": ["layer1"], "pre_trained": False, "n_features": 20},
}


def test_without_anomalib_the_error_says_what_to_install(monkeypatch, phantoms):
    monkeypatch.setitem(__import__("sys").modules, "anomalib.models", None)
    with pytest.raises(InputError, match="anomalib is not installed"):
        create("anomalib", **PADIM).fit(phantoms[0][:2])


def test_padim_is_anomalibs_own_before_its_post_processor(phantoms, tmp_path):
    """The same torch model, filled by hand with the same images."""
    pytest.importorskip("anomalib.engine")
    detector = create("anomalib", **PADIM).fit(phantoms[0][:6], seed=3)
    model = create("anomalib", **PADIM)._make(3)
    images = torch.from_numpy(np.repeat(phantoms[0][:6, None], 3, axis=1))
    model.model.train()
    order = torch.randperm(
        6, generator=torch.Generator().manual_seed(3)
    )  # of anomalib's memory, by the shuffle
    model.model(model.pre_processor(images[order]))
    model.model.fit()
    model.model.eval()
    tested = torch.from_numpy(np.repeat(phantoms[1][:, None], 3, axis=1))
    with torch.inference_mode():
        expected = model.model(model.pre_processor(tested))
    found = detector.score(phantoms[1])
    np.testing.assert_allclose(found.scores, expected.pred_score.flatten(), rtol=1e-4)
    np.testing.assert_allclose(found.maps, expected.anomaly_map[:, 0], rtol=1e-3, atol=1e-4)
    detector.save(tmp_path)
    again = create("anomalib", **PADIM).restore(tmp_path).score(phantoms[1])
    np.testing.assert_array_equal(again.scores, found.scores)
    np.testing.assert_array_equal(again.maps, found.maps)
    assert detector.trained_parameters() == {}


def test_a_trained_model_moves_its_weights_the_same_way_twice(phantoms):
    pytest.importorskip("anomalib.engine")
    settings = {"model": "Fastflow", "image_size": 64, "epochs": 2, "train_batch": 3,
                "arguments": {"backbone": "resnet18", "pre_trained": False, "flow_steps": 2}}  # fmt: skip
    first, second = (create("anomalib", **settings).fit(phantoms[0][:6]) for _ in range(2))
    np.testing.assert_array_equal(first.score(phantoms[1]).scores, second.score(phantoms[1]).scores)
    start = create("anomalib", **settings)._make(0).model.state_dict()
    flows = {name: tensor for name, tensor in first._module.model.named_parameters() if "flow" in name}
    assert any(not torch.equal(tensor, start[name]) for name, tensor in flows.items())
    assert first.trained_parameters()["model"] >= sum(tensor.numel() for tensor in flows.values()) > 0


def test_our_detector_runs_in_anomalibs_engine_with_our_scores(resnet, phantoms, tmp_path):
    pytest.importorskip("anomalib.engine")
    from anomalib.data import ImageBatch, ImageItem
    from anomalib.engine import Engine

    from fusionmedclip.lab.anomalib_module import detector_module

    def loader(images):
        items = [ImageItem(image=torch.from_numpy(np.repeat(i[None], 3, axis=0)), gt_label=torch.tensor(0))
                 for i in images]  # fmt: skip
        return torch.utils.data.DataLoader(items, 4, collate_fn=ImageBatch.collate)

    detector = create("patchcore", backbone=resnet, layers=["layer1"], coreset_fraction=1.0)
    plain = {"post_processor": False, "evaluator": False, "visualizer": False}
    module = detector_module(detector, image_size=64, **plain)
    engine = Engine(default_root_dir=tmp_path, accelerator="cpu", logger=False, enable_progress_bar=False)
    engine.fit(module, train_dataloaders=loader(phantoms[0][:6]))
    found = engine.predict(module, dataloaders=loader(phantoms[1]))
    ours = create("patchcore", backbone=resnet, layers=["layer1"], coreset_fraction=1.0).fit(phantoms[0][:6])
    expected = ours.score(phantoms[1])
    scores = torch.cat([batch.pred_score.flatten() for batch in found])
    maps = torch.cat([batch.anomaly_map.reshape(-1, 64, 64) for batch in found])
    np.testing.assert_allclose(scores, expected.scores, rtol=1e-5)
    np.testing.assert_allclose(maps, expected.maps, rtol=1e-4, atol=1e-6)
