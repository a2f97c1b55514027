"""What only a GPU can show: the same bytes twice, and precisions that are what they are called."""

import json
import os
import subprocess
import sys

import pytest
import torch

from fusionmedclip.steps.captured import WARM

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

FIT = """
import hashlib, json, sys
import numpy as np
from fusionmedclip.methods import make_method
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from pathlib import Path
import tempfile

from fusionmedclip.steps import captured

kind, backbone, settings = json.loads(sys.argv[1])
captured.WARM = int(sys.argv[2])
images = np.random.default_rng(0).random((8, 64, 64)).astype(np.float32)
more = {"meta": {"other": images[4:]}} if kind == "regad" else {}
precision = settings.get("precision", "float32")
with arithmetic("cuda", precision=precision, deterministic=True), tempfile.TemporaryDirectory() as folder:
    made = build_backbone(BackboneSettings(**backbone)).to("cuda") if backbone else None
    detector = make_method(kind, settings, backbone=made, device="cuda").fit(images[:4], **more)
    scores = detector.score(images[4:])
    detector.save(Path(folder))
    parts = [path.read_bytes() for path in sorted(Path(folder).rglob("*.safetensors"))]
parts += [scores.scores.tobytes(), b"" if scores.maps is None else scores.maps.tobytes()]
print(hashlib.sha256(b"".join(parts)).hexdigest())
"""

CLIP = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "patch_size": 8, "width": 128, "layers": 3, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
VIT = {"model": CLIP, "image_size": 64}
RESNET = {"kind": "timm", "model": "resnet18", "image_size": 64}
OURS = {"model": {"layers": [1, 2, 3]}, "optimiser": {"epochs": 5, "batch_size": 4}}
SQUID = {"image_size": 32, "width": 8, "queue_slots": 8, "matrix_slots": 8, "train_batch": 4, "steps": 10}
ANODDPM = {"image_size": 32, "channels": [8, 16], "attention": [False, True], "norm_groups": 8, "steps": 10}
METHODS = {
    "float32": ("fusionmedclip", VIT, OURS),
    "tf32": ("fusionmedclip", VIT, {**OURS, "precision": "tf32"}),
    "bfloat16": ("fusionmedclip", VIT, {**OURS, "precision": "bfloat16"}),
    "simplenet": ("simplenet", RESNET, {"layers": ["layer2", "layer3"], "steps": 10}),
    "squid": ("squid", None, SQUID),
    "anoddpm": ("anoddpm", None, {**ANODDPM, "residual_blocks": 1, "reverse_steps": 3}),
    "cutpaste": ("cutpaste", RESNET, {"image_size": 64, "steps": 10, "train_batch": 4}),
    "regad": ("regad", RESNET, {"image_size": 64, "meta_steps": 10, "meta_batch": 4, "meta_shots": 2}),
}


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_give_the_same_bytes(name: str) -> None:
    assert_alike(name, (WARM, WARM))


@pytest.mark.parametrize("name", METHODS)
def test_recorded_steps_give_the_bytes_of_steps_as_they_are(name: str) -> None:
    assert_alike(name, (WARM, sys.maxsize))


def assert_alike(name: str, warm: tuple[int, int]) -> None:
    """Of two fits, each with its count of steps before one is recorded."""
    command = [sys.executable, "-c", FIT, json.dumps(METHODS[name])]
    environment = {**os.environ, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    printed = [
        subprocess.run([*command, str(steps)], env=environment, capture_output=True, text=True)
        for steps in warm
    ]
    assert [done.returncode for done in printed] == [0, 0], printed[0].stderr[-3000:]
    assert "not recorded" not in printed[0].stderr
    assert printed[0].stdout == printed[1].stdout


def test_each_precision_has_the_error_of_its_mantissa() -> None:
    """Of a 1x1 convolution and of a product against float64: 24 bits, 11 bits (TF32)."""
    from fusionmedclip.models.arithmetic import arithmetic

    draw = torch.Generator().manual_seed(0)
    maps, weight = (torch.randn(shape, generator=draw) for shape in ((8, 256, 16, 16), (256, 256, 1, 1)))
    matrix = maps.permute(0, 2, 3, 1).reshape(-1, 256)

    def errors(precision: str) -> tuple[float, float]:
        with arithmetic("cuda", precision=precision):
            convolved = torch.nn.functional.conv2d(maps.cuda(), weight.cuda()).cpu()
            product = (matrix.cuda() @ weight.cuda()[:, :, 0, 0].T).cpu()
        exact = matrix.double() @ weight.double()[:, :, 0, 0].T
        both = (convolved.permute(0, 2, 3, 1).reshape(-1, 256), product)
        return tuple(float((found.double() - exact).abs().max() / exact.abs().max()) for found in both)

    assert max(errors("float32")) < 1e-6
    assert min(errors("tf32")) > 1e-5
    assert max(errors("bfloat16")) < 1e-6  # what runs outside the towers
