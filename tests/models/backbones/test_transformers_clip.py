"""CLIP as Hugging Face's transformers stores it, against its own model on the same random weights."""

import json
from pathlib import Path

import pytest
import torch
from open_clip.transformer import QuickGELU

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.build import BackboneSettings, build_backbone
from fusionmedclip.models.backbones.transformers_clip import from_transformers
from tests.models.towers import drawn_state

transformers = pytest.importorskip("transformers")

# Both towers keep OpenAI's ratio of widths, so that open_clip's architecture as data can say the same.
MODEL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 3, "head_width": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 24, "heads": 2, "layers": 2},
}


def reference(activation: str) -> transformers.CLIPModel:
    common = {"hidden_act": activation, "projection_dim": 16}
    vision = {"image_size": 32, "patch_size": 8, "hidden_size": 32, "intermediate_size": 128}
    text = {"hidden_size": 24, "intermediate_size": 96, "vocab_size": 49408}
    config = transformers.CLIPConfig(
        projection_dim=16,
        vision_config={**common, **vision, "num_hidden_layers": 3, "num_attention_heads": 4},
        text_config={**common, **text, "num_hidden_layers": 2, "num_attention_heads": 2},
    )
    model = transformers.CLIPModel(config).eval()
    state = drawn_state({n: v for n, v in model.state_dict().items() if v.is_floating_point()})
    model.load_state_dict({**model.state_dict(), **state})
    return model


def pooled(output) -> torch.Tensor:
    return getattr(output, "pooler_output", output)  # a tensor before transformers 5


@pytest.mark.parametrize("stored", ["folder", "safetensors", "pt"])
@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@torch.no_grad()
def test_both_towers_say_what_transformers_say(tmp_path: Path, activation: str, stored: str) -> None:
    theirs = reference(activation)
    theirs.save_pretrained(tmp_path)
    path = tmp_path if stored == "folder" else tmp_path / "model.safetensors"
    if stored == "pt":  # as older releases have it, and with a training program's wrapper
        path = tmp_path / "pytorch_model.bin"
        ids = {"vision_model.embeddings.position_ids": torch.arange(17)[None]}
        torch.save({"state_dict": {f"module.{n}": v for n, v in (theirs.state_dict() | ids).items()}}, path)
    ours = build_backbone(BackboneSettings(model=MODEL, image_size=32, pretrained=str(path)))
    assert any(isinstance(m, QuickGELU) for m in ours.modules()) == (activation == "quick_gelu")
    pixels = ours.pixels(torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(0)))
    tokens = ours.tokenizer(["a photo of normal", "anomaly"])
    images, texts = ours.clip_model.encode_image(pixels), ours.clip_model.encode_text(tokens)
    close = {"atol": 1e-5, "rtol": 1e-5}
    torch.testing.assert_close(images, pooled(theirs.get_image_features(pixel_values=pixels)), **close)
    torch.testing.assert_close(texts, pooled(theirs.get_text_features(input_ids=tokens)), **close)
    torch.testing.assert_close(ours.clip_model.logit_scale, theirs.logit_scale)
    layers = theirs.vision_model(pixel_values=pixels, output_hidden_states=True).hidden_states
    for number, found in zip((1, 3), ours.feature_maps(pixels, (1, 3)), strict=True):
        expected = layers[number][:, 1:].mT.reshape(found.shape)
        torch.testing.assert_close(found, expected, **close)


def test_an_activation_that_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    model = reference("gelu")
    model.save_pretrained(tmp_path)
    (tmp_path / "config.json").rename(tmp_path / "kept.json")
    settings = {"model": MODEL, "image_size": 32, "pretrained": str(tmp_path)}
    with pytest.raises(InputError, match=r"(?s)do not say with which activation.*config\.json"):
        build_backbone(BackboneSettings(**settings))
    build_backbone(BackboneSettings(**settings, quick_gelu=False))
    (tmp_path / "kept.json").rename(tmp_path / "config.json")
    with pytest.raises(InputError, match="contradicts the model"):
        build_backbone(BackboneSettings(**{**settings, "model": {**MODEL, "quick_gelu": True}}))
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["hidden_act"] = "quick_gelu"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"(?s)config\.json: unknown activation.*gelu.*quick_gelu"):
        build_backbone(BackboneSettings(**settings))


def test_other_models_and_halves_are_refused() -> None:
    state = reference("gelu").state_dict()
    with pytest.raises(InputError, match=r"(?s)not those of its CLIP.*vision_model\.head\.probe"):
        from_transformers({**state, "vision_model.head.probe": torch.zeros(1)})
    lost = "text_model.encoder.layers.1.self_attn.k_proj.weight"
    with pytest.raises(
        InputError, match=r"(?s)transformer\.resblocks\.1\.attn\.in_proj_weight of q, v alone"
    ):
        from_transformers({n: v for n, v in state.items() if n != lost})
