"""Baselines that train a network compute in the precision of their settings, whoever calls them."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.methods import make_method
from fusionmedclip.models import arithmetic
from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.models.detector import Detector
from tests.baselines.test_on_fake_gpu import ANODDPM, IMAGES, RESNET, SQUID

CASES = {
    "squid": SQUID,
    "anoddpm": {**ANODDPM, "residual_blocks": 1, "reverse_steps": 1},
    "regad": {"image_size": 64, "meta_steps": 2, "meta_batch": 2, "meta_shots": 1},
}
CONV = torch.backends.cudnn.conv  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _torch_as_it_comes() -> Iterator[None]:
    """TF32 for convolutions of a GPU is torch's default."""
    before, CONV.fp32_precision = CONV.fp32_precision, "tf32"
    yield
    CONV.fp32_precision = before


def make(kind: str, **more: str) -> Detector:
    backbone = build_backbone(RESNET) if kind == "regad" else None
    return make_method(kind, CASES[kind] | more, backbone=backbone, device="cpu")


def seen(kind: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> set[str]:
    """In which precision a GPU's convolutions would run at each convolution of a fit and of a scoring."""
    found, plain = set(), torch.nn.Conv2d.forward

    def forward(self: torch.nn.Conv2d, value: torch.Tensor) -> torch.Tensor:
        found.add(CONV.fp32_precision)
        return plain(self, value)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", forward)
    detector = make(kind, **more)
    others = {"meta": {"one": IMAGES, "two": IMAGES[::-1]}} if kind == "regad" else {}
    detector.fit(IMAGES, seed=0, **others)
    trained = set(found)
    found.clear()
    detector.score(IMAGES)
    assert CONV.fp32_precision == "tf32"  # as it was
    assert trained == found
    return trained


@pytest.mark.parametrize("kind", CASES)
def test_float32_is_that_beside_torchs_default(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(kind, monkeypatch) == {"ieee"}


@pytest.mark.parametrize("kind", CASES)
def test_tf32_is_that_where_there_is_a_gpu(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "_check_tf32", lambda device: None)
    assert seen(kind, monkeypatch, precision="tf32") == {"tf32"}


@pytest.mark.parametrize("kind", CASES)
def test_what_cannot_be_kept_is_refused(kind: str) -> None:
    allowed = r"setting `precision`\n  received: 'bfloat16'\n  allowed:  float32, tf32"
    with pytest.raises(InputError, match=allowed):
        make(kind, precision="bfloat16")
    with pytest.raises(InputError, match="tf32 asks for a GPU that has it"):
        make(kind, precision="tf32").fit(np.zeros((2, 64, 64), np.float32))
