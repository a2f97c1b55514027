"""No method trains or scores with an operation that has no deterministic kernel on a GPU.

The operations are recorded on the CPU, forward and backward, as torch dispatches them.
"""

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from fusionmedclip.baselines import KINDS, detector_class
from fusionmedclip.baselines.regad import registration, sampling
from fusionmedclip.methods import OURS, make_method
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.models.detector import LabelledSet
from tests.gpu_operations import REFUSED, recorded

CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 64, "patch_size": 16, "width": 32, "layers": 3, "head_width": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
RESNET = BackboneSettings(kind="timm", model="resnet18", image_size=64)
VIT = BackboneSettings(model=CLIP, image_size=64)
CONVOLUTIONAL = BackboneSettings(
    model={**CLIP, "vision_cfg": {"timm_model_name": "tf_efficientnet_lite0", "timm_pool": "avg",
                                  "timm_proj": "linear", "image_size": 64}}, image_size=64,
)  # fmt: skip
TRAINING = {"optimiser": {"epochs": 1, "batch_size": 2}}
PARENT = {"layers": [1, 2], "aggregation": "cosine_first", "prompt": {"form": "phrases"}}
GAP = {"head": "gap", "lora": None, "block_adapter": None}
PATCHES = {"layers": ["layer2", "layer3"]}
SQUID = {"image_size": 32, "width": 8, "queue_slots": 8, "matrix_slots": 8, "train_batch": 2, "steps": 1}
ANODDPM = {"image_size": 32, "channels": [8, 16], "attention": [False, True], "norm_groups": 8, "steps": 1}
REGAD = {"image_size": 32, "meta_steps": 1, "meta_batch": 2, "meta_shots": 1}
SMALL = {
    "vit": (OURS, VIT, {"model": {"layers": [1, 2, 3]}, **TRAINING}),
    "parent": (OURS, VIT, {"model": PARENT, "loss": {"image": "focal_pixel"}, **TRAINING}),
    "convolutional": (OURS, CONVOLUTIONAL, {"model": {"layers": [2, 3, 4]}, **TRAINING}),
    "gap": (OURS, VIT, {"model": GAP, **TRAINING}),
    "patchcore": ("patchcore", RESNET, PATCHES),
    "simplenet": ("simplenet", RESNET, {**PATCHES, "steps": 1}),
    "squid": ("squid", None, SQUID),
    "anoddpm": ("anoddpm", None, {**ANODDPM, "residual_blocks": 1, "reverse_steps": 2}),
    "cutpaste": ("cutpaste", RESNET, {"image_size": 64, "steps": 1, "train_batch": 2}),
    "regad": ("regad", RESNET, REGAD),
    "patch_nn": ("patch_nn", RESNET, PATCHES),
    "winclip": ("winclip", VIT, {}),
    "supersimplenet": ("supersimplenet", RESNET, {**PATCHES, "steps": 1}),
    "promptad": ("promptad", VIT, {"layers": [1, 2], "steps": 1}),
    "anomalyclip": ("anomalyclip", VIT, {"text_depth": 2, "meta_steps": 1}),
    "clip_zero_shot": ("clip_zero_shot", VIT, {}),
}


def test_every_method_that_uses_torch_is_looked_at() -> None:
    controls = {kind for kind in KINDS if ".controls." in detector_class(kind).__module__}
    theirs = {"anomalib"}  # whose operations are its own
    assert {kind for kind, _, _ in SMALL.values()} == {OURS, *KINDS} - controls - theirs


def fit_and_score(name: str) -> np.ndarray:
    kind, settings, small = SMALL[name]
    images = np.random.default_rng(0).random((4, 64, 64)).astype(np.float32)
    detector = make_method(kind, small, backbone=None if settings is None else build_backbone(settings))
    labelled = LabelledSet(images, np.array([0, 1, 0, 1]), np.eye(64, dtype=np.uint8)[None].repeat(4, 0))
    more = {"regad": {"meta": {"other": images[2:]}}, "anomalyclip": {"meta": {"other": labelled}}}.get(
        kind, {}
    )
    return detector.fit(images[:2], **more).score(images[2:]).scores


@pytest.mark.parametrize("name", SMALL)
def test_no_operation_without_a_deterministic_kernel(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What RegAD takes on a GPU (fusionmedclip/baselines/regad/sampling.py).
    monkeypatch.setattr(registration, "sample_reflected", sampling.gathered)
    kind, _, _ = SMALL[name]
    with arithmetic("cpu", deterministic=True), recorded() as names:
        fit_and_score(name)
    assert names & REFUSED == set()
    trains = kind in (
        OURS,
        "simplenet",
        "squid",
        "anoddpm",
        "cutpaste",
        "regad",
        "promptad",
        "anomalyclip",
        "supersimplenet",
    )
    assert any("backward" in name for name in names) == trains


@pytest.mark.parametrize("name", SMALL)
def test_nothing_is_read_that_was_never_written(name: str) -> None:
    """New tensors that hold NaN change no score, so that runs may leave them as they are."""
    found = []
    for filled in (False, True):
        with arithmetic("cpu", deterministic=True):
            torch.utils.deterministic.fill_uninitialized_memory = filled
            found.append(fit_and_score(name).tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("aligned", [True, False])
def test_torch_interpolates_with_a_deterministic_gradient_on_a_gpu(aligned: bool) -> None:
    """On a fake CUDA tensor, which needs no GPU: the listed gradient does not enter the graph."""
    kinds = []
    for deterministic in (False, True):
        with FakeTensorMode(), arithmetic("cpu", deterministic=deterministic):
            maps = torch.ones(1, 2, 4, 4, device="cuda", requires_grad=True)
            made = F.interpolate(maps, size=(9, 9), mode="bilinear", align_corners=aligned)
            kinds.append(gradients_of(made))
    assert "UpsampleBilinear2DBackward0" in kinds[0]
    assert not [name for name in kinds[1] if "Upsample" in name]
    assert [name for name in kinds[1] if "Index" in name], kinds[1]


def gradients_of(made: torch.Tensor) -> set[str]:
    names, waiting = set(), [made.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None:
            names.add(type(node).__name__)
            waiting += [following for following, _ in node.next_functions]
    return names


def test_the_recorder_sees_a_gradient_that_is_refused() -> None:
    maps = torch.ones(1, 1, 4, 4, requires_grad=True)
    grid = torch.zeros(1, 2, 2, 2)
    with recorded() as names:
        F.grid_sample(maps, grid, align_corners=False).sum().backward()
    assert names & REFUSED == {"grid_sampler_2d_backward"}
