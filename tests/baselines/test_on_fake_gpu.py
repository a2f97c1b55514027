"""Training on tensors that say they lie on a GPU and hold nothing: no kernel runs.

No device is mixed with another, and nothing is read back but by the readings, since there is nothing to read.
"""

import os
import sys
import traceback
from contextlib import nullcontext
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from fusionmedclip.baselines.cutpaste import detector as cutpaste
from fusionmedclip.baselines.regad import detector as regad
from fusionmedclip.methods import make_method
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.steps import ahead
from fusionmedclip.steps.readings import Readings

RESNET = BackboneSettings(kind="timm", model="resnet18", image_size=64)
SQUID = {"image_size": 32, "width": 8, "queue_slots": 8, "matrix_slots": 8, "train_batch": 2, "steps": 3}
ANODDPM = {"image_size": 32, "channels": [8, 16], "attention": [False, True], "norm_groups": 8, "steps": 2}
CUTPASTE = {"image_size": 64, "steps": 2, "train_batch": 2}
MADE = {"synthesis": {"preset": "thesis"}}
CASES = {
    "squid": ("squid", None, SQUID),
    "squid, anomalies": ("squid", None, {**SQUID, **MADE}),
    "anoddpm": ("anoddpm", None, {**ANODDPM, "residual_blocks": 1}),
    "simplenet": ("simplenet", RESNET, {"layers": ["layer2", "layer3"], "steps": 2, "train_patches": 20}),
    "cutpaste": ("cutpaste", RESNET, CUTPASTE),
    "cutpaste, anomalies": ("cutpaste", RESNET, {**CUTPASTE, **MADE}),
    "regad": ("regad", RESNET, {"image_size": 64, "meta_steps": 2, "meta_batch": 2, "meta_shots": 1}),
}
IMAGES = np.random.default_rng(0).random((3, 64, 64)).astype(np.float32)


def moved(module: nn.Module, *_to: object, **_how: object) -> nn.Module:
    """``module.to("cuda")``, which fake tensors do not allow in place."""
    for part in module.modules():
        for name, value in part._parameters.items():
            if value is not None:
                part._parameters[name] = nn.Parameter(value.detach().to("cuda"), value.requires_grad)
        for name, value in part._buffers.items():
            part._buffers[name] = None if value is None else value.to("cuda")
    return module


def backward(loss: torch.Tensor, inputs: list[torch.Tensor] | None = None) -> None:
    """Gradients of what the loss is made of; torch's own engine asks for a driver."""
    waiting, seen = [loss.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [following for following, _ in node.next_functions]
        leaf = getattr(node, "variable", None)
        if leaf is not None and (inputs is None or any(leaf is one for one in inputs)):
            leaf.grad = torch.zeros_like(leaf)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(case, marks=[pytest.mark.long] * (", anomalies" in case)) for case in CASES]
)
def test_training_stays_on_the_device_and_reads_nothing_back(name, monkeypatch) -> None:
    """In a process of its own: torch starts threads for that device, and no fork could train after it."""
    child = os.fork()
    if child == 0:
        try:
            train(name, monkeypatch)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def train(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, backbone, settings = CASES[name]
    monkeypatch.setattr(nn.Module, "to", moved)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    for fused in ("_fused_sgd_", "_fused_adam_"):  # torch has no such kernel for fake tensors with a rate
        monkeypatch.setattr(torch, fused, lambda *_, **__: None)
    monkeypatch.setattr(Readings, "read", lambda self: self._kept.clear())  # late, and the only ones
    monkeypatch.setattr(ahead, "_ready", lambda call, _: [torch.as_tensor(array) for array in call()])
    training = import_module(f"fusionmedclip.baselines.{kind}.detector")
    monkeypatch.setattr(training, "side_stream", lambda _: nullcontext())
    for module in (cutpaste, regad):  # what is read once, before a step
        monkeypatch.setattr(module, "trainable_copy", lambda backbone: backbone.requires_grad_(True))
    more = {"meta": {"other": IMAGES}} if kind == "regad" else {}
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    mode.cache_enabled = False  # it crashed where tensors were copied
    with mode:
        built = None if backbone is None else moved(build_backbone(backbone))
        detector = make_method(kind, settings, backbone=built, device="cuda")
        maps = [np.zeros((len(IMAGES), *shape), np.float32) for shape in ((128, 8, 8), (256, 4, 4))]
        detector.features = lambda _images: maps
        # What follows the training, and is the host's.
        monkeypatch.setattr(regad.RegAD, "_take_statistics", lambda *_: None)
        monkeypatch.setattr(cutpaste.CutPaste, "_features", lambda *_: np.eye(3))
        detector.fit(IMAGES, **more)
    assert detector.trained
