"""Frozen weights cast once give the bits of weights cast in every pass, and are whole again afterwards."""

import pytest
import torch

from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.narrow_weights import narrow_weights
from fusionmedclip.models.settings import LoraSettings, ModelSettings
from tests.models.towers import drawn, vit_settings


def made() -> FusionModel:
    torch.manual_seed(0)
    lora = LoraSettings(rank=2, dropout=0.0)
    return FusionModel(build_backbone(vit_settings()), ModelSettings(layers=(1, 2), lora=lora), seed=0)


def maps_and_gradients(model: FusionModel, *, once: bool) -> list[torch.Tensor]:
    """Of one step, its backward pass outside of autocast as in a fit."""
    side = model.backbone.visual.image_size[0]
    pixels = drawn("pixels", (2, 3, side, side))
    with narrow_weights(model.backbone, "bfloat16" if once else "float32"):
        with model.backbone.autocast("bfloat16"):
            maps = model(pixels)[1]
        maps.square().sum().backward()
    return [maps.detach(), *(p.grad for p in model.parameters() if p.grad is not None)]


def test_the_bits_are_those_of_casting_each_time() -> None:
    ours, theirs = (maps_and_gradients(made(), once=once) for once in (True, False))
    assert len(ours) == len(theirs) > 5
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_nothing_is_left_to_cast_but_what_is_trained_or_asked() -> None:
    """Of the towers' linear layers; open_clip asks the first block of each tower for its precision."""
    model = made()
    with narrow_weights(model.backbone, "bfloat16"):
        wide = {
            name
            for name, p in model.backbone.named_parameters()
            if p.dtype == torch.float32 and p.ndim == 2 and ("proj" in name or "c_fc" in name)
        }
    asked = {name for name in wide if "resblocks.0.mlp.c_fc" in name and "lora_" not in name}
    assert len(asked) == 2
    assert all("lora_" in name or name.endswith(("visual.proj", "text_projection")) for name in wide - asked)


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_the_weights_come_back_whatever_happens(precision: str) -> None:
    model = made()
    before = {name: p.clone() for name, p in model.named_parameters()}
    places = {name: p.data_ptr() for name, p in model.named_parameters()}
    held: set[torch.dtype] = set()

    def fail() -> None:
        with narrow_weights(model.backbone, precision):
            held.update(p.dtype for p in model.parameters())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (torch.bfloat16 in held) is (precision == "bfloat16")
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name])
        assert p.data_ptr() == places[name]
