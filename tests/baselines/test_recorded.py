"""Steps of trained baselines, recorded as a GPU would, against the same steps as they are: the same bits.

On a tape in place of a graph. Optimisers are fused and learning rates tensors in both, as on a GPU.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.anoddpm import detector as anoddpm
from fusionmedclip.baselines.cutpaste import detector as cutpaste
from fusionmedclip.baselines.regad import detector as regad
from fusionmedclip.baselines.simplenet import detector as simplenet
from fusionmedclip.baselines.squid import detector as squid
from fusionmedclip.steps.captured import Recording
from tests.steps import tape

STEPS = 7
SQUID = {
    "image_size": 32, "width": 8, "queue_slots": 8, "matrix_slots": 8, "train_batch": 2, "steps": 2 * STEPS,
}  # fmt: skip
ANODDPM = {"image_size": 32, "channels": [8, 16], "attention": [False, True], "norm_groups": 8}
CASES = {
    "squid": (squid, SQUID, 1),
    "squid, anomalies": (squid, {**SQUID, "synthesis": {"preset": "thesis"}}, 1),
    "anoddpm": (anoddpm, {**ANODDPM, "residual_blocks": 1, "train_batch": 2, "steps": 2 * STEPS}, 1),
    "simplenet": (simplenet, {"layers": ["layer2", "layer3"], "steps": STEPS, "train_patches": 20}, 1),
    "cutpaste": (cutpaste, {"image_size": 64, "steps": 2 * STEPS, "train_batch": 2}, 2),
    "regad": (regad, {"image_size": 64, "meta_steps": STEPS, "meta_batch": 2, "meta_shots": 1}, 1),
}
"""Module, settings, and how many shapes of batches are recorded."""
IMAGES = np.random.default_rng(0).random((3, 64, 64)).astype(np.float32)


def fused(_kind, _device) -> dict:
    return {"fused": True}


def trained(name: str, backbone, folder: Path) -> dict[str, bytes]:
    module, settings, _ = CASES[name]
    kind = module.__name__.split(".")[-2]
    built = {} if kind in ("squid", "anoddpm") else {"backbone": backbone}
    log: list[dict] = []
    detector = create(kind, **built, **settings)
    more = {"meta": {"other": IMAGES}} if kind == "regad" else {}
    detector.fit(IMAGES, seed=1, progress=log.append, **more)
    detector.save(folder)
    return {"log": json.dumps(log).encode(), "weights": (folder / "weights.safetensors").read_bytes()}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_recorded_steps_have_the_bits_of_steps_as_they_are(
    name, resnet, tmp_path, monkeypatch, capsys
) -> None:
    module, _, shapes = CASES[name]
    monkeypatch.setattr(module, "device_options", fused)
    if hasattr(module, "rate_of"):
        monkeypatch.setattr(
            module, "rate_of", lambda optimiser, _: (torch.tensor(optimiser.param_groups[0]["lr"]),)
        )
    if module is simplenet:  # whose noise a GPU draws in the step
        drawn = simplenet.SimpleNet._drawn
        monkeypatch.setattr(simplenet.SimpleNet, "_drawn", lambda *arguments: drawn(*arguments)[:1])
    plain = trained(name, resnet, tmp_path / "plain")
    recorded: list[int] = []

    def record(step, *batch):
        recorded.append(len(batch[0]))
        return tape.record(step, *batch)

    monkeypatch.setattr(module, "captured", lambda step, _device, **_: Recording(step, record))
    assert trained(name, resnet, tmp_path / "recorded") == plain
    assert "not recorded" not in capsys.readouterr().err
    assert len(recorded) >= shapes
