"""DINOv2 and DINOv3: register tokens, rotary positions, other patches and sides, publishers' names."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import (
    BackboneSettings,
    build_backbone,
    load_backbone,
    save_backbone,
)

DINO = {"vit_small_patch14_reg4_dinov2": 56, "vit_tiny_patch16_dinov3_qkvb": 64}


def built(name: str, **more) -> Backbone:
    return build_backbone(BackboneSettings(kind="timm", model=name, image_size=DINO[name], **more))


@pytest.mark.parametrize("name", DINO)
@torch.inference_mode()
def test_maps_are_the_blocks_outputs_without_class_and_register_tokens(name: str) -> None:
    backbone, size = built(name), DINO[name]
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    outputs = []
    hooks = [backbone.trunk.blocks[n].register_forward_hook(lambda *a: outputs.append(a[-1])) for n in (1, 5)]
    backbone.trunk(pixels)
    for hook in hooks:
        hook.remove()
    second, sixth = backbone.feature_maps(pixels, [2, 6])
    for found, tokens in ((second, outputs[0]), (sixth, outputs[1])):
        assert tokens.shape[1] == 16 + 5  # four by four patches, a class token and four registers
        torch.testing.assert_close(found, tokens[:, 5:].transpose(1, 2).unflatten(2, (4, 4)))


@pytest.mark.parametrize("name", DINO)
def test_a_folder_of_another_side_comes_back(name: str, tmp_path: Path) -> None:
    settings = BackboneSettings(kind="timm", model=name, image_size=DINO[name])
    backbone = build_backbone(settings)
    save_backbone(backbone, tmp_path, settings)
    again = load_backbone(tmp_path)
    for (key, tensor), other in zip(backbone.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(tensor, other), key


def test_weights_under_the_publishers_names(tmp_path: Path) -> None:
    """DINOv2's: `register_tokens`, a token for masks, positions of the class token too."""
    torch.manual_seed(0)
    own = timm.create_model("vit_small_patch14_reg4_dinov2", img_size=56).state_dict()
    published = {name: value for name, value in own.items() if name != "reg_token"}
    published["register_tokens"] = own["reg_token"]
    published["mask_token"] = torch.zeros(1, 384)
    published["cls_token"] = torch.randn(1, 1, 384)
    published["pos_embed"] = torch.cat([torch.randn(1, 1, 384), own["pos_embed"]], dim=1)
    save_file(published, tmp_path / "dinov2.safetensors")
    found = built("vit_small_patch14_reg4_dinov2", pretrained=str(tmp_path / "dinov2.safetensors"))
    state = found.visual.state_dict()
    assert torch.equal(state["reg_token"], own["reg_token"])
    assert torch.equal(state["pos_embed"], own["pos_embed"])
    # timm keeps no position of the class token: it is part of the token
    torch.testing.assert_close(state["cls_token"], published["cls_token"] + published["pos_embed"][:, :1])
    assert torch.equal(state["blocks.3.attn.qkv.weight"], own["blocks.3.attn.qkv.weight"])


def test_positions_of_another_side_are_resampled(tmp_path: Path) -> None:
    large = timm.create_model("vit_small_patch14_reg4_dinov2", img_size=112).state_dict()
    large["pos_embed"] = torch.full_like(large["pos_embed"], 0.25)
    save_file(large, tmp_path / "large.safetensors")
    found = built("vit_small_patch14_reg4_dinov2", pretrained=str(tmp_path / "large.safetensors"))
    torch.testing.assert_close(found.visual.pos_embed, torch.full((1, 16, 384), 0.25))


def test_other_weights_are_refused_by_name(tmp_path: Path) -> None:
    save_file(timm.create_model("resnet10t").state_dict(), tmp_path / "resnet.safetensors")
    with pytest.raises(InputError, match="weights do not fit the model: missing"):
        built("vit_tiny_patch16_dinov3_qkvb", pretrained=str(tmp_path / "resnet.safetensors"))
