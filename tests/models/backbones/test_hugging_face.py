"""BiomedCLIP's kind of model: timm's vision transformer, a Hugging Face text tower; no network needed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fusionmedclip.models.adaptation.lora import lora_targets
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import (
    BackboneSettings,
    build_backbone,
    load_backbone,
    save_backbone,
)
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.prompts.text import encode_text, mean_token_embeddings, token_width
from fusionmedclip.models.settings import ModelSettings, PromptSettings
from tests.models.towers import drawn, hugging_face_settings

pytest.importorskip("transformers")


@pytest.fixture
def biomed(tmp_path: Path) -> Backbone:
    return build_backbone(hugging_face_settings(tmp_path))


def test_vectors_replace_word_embeddings(biomed: Backbone) -> None:
    """Given the words' own embeddings as context, the tower must say what it says of the words."""
    words = biomed.clip_model.text.transformer.get_input_embeddings()
    plain = biomed.tokenizer(["a photo of normal", "the anomaly of a photo within limits"])
    holes = plain.clone()
    holes[:, 1:4] = int(biomed.tokenizer(["x"])[0, 1])
    with torch.no_grad():
        expected = biomed.clip_model.encode_text(plain)
        result = encode_text(biomed, holes, context=words(plain[:, 1:4]))
        moved = encode_text(biomed, holes, context=drawn("context", (2, 3, 24)))
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(moved, expected, atol=1e-3)


def test_widths_and_means(biomed: Backbone) -> None:
    assert (biomed.embed_dim, token_width(biomed)) == (16, 24)
    table = biomed.clip_model.text.transformer.get_input_embeddings().weight
    ids = biomed.tokenizer(["normal anomaly"])[0, 1:3]
    torch.testing.assert_close(mean_token_embeddings(biomed, ["normal anomaly"])[0], table[ids].mean(dim=0))


def test_every_linear_layer_of_every_block_takes_lora_with_q_k_v_apart(biomed: Backbone) -> None:
    model = FusionModel(biomed, ModelSettings(layers=(4, 8, 12)), seed=0)
    adapted = [n for n, m in biomed.visual.named_modules() if hasattr(m, "lora_A")]
    assert len(adapted) == 12 * 6
    assert adapted[:6] == [
        f"trunk.blocks.0.{name}"
        for name in (
            "attn.qkv.q_proj",
            "attn.qkv.k_proj",
            "attn.qkv.v_proj",
            "attn.proj",
            "mlp.fc1",
            "mlp.fc2",
        )
    ]
    assert lora_targets(biomed) == []  # nothing is adapted twice
    # Rank 8 at width 192: four square layers and two of 192 x 768 a block.
    assert sum(p.numel() for p in model.components()["lora"].values()) == 12 * 8 * (4 * 384 + 2 * 960)


@pytest.mark.parametrize("form", ["coop", "phrases", "manual"])
def test_the_whole_model_learns_on_it(biomed: Backbone, form: str) -> None:
    settings = ModelSettings(layers=(4, 8, 12), prompt=PromptSettings(form=form))
    model = FusionModel(biomed, settings, seed=0).train()
    scores, maps = model(biomed.pixels(torch.rand(2, 64, 64)))
    assert maps.shape == (2, 64, 64)
    scores.sum().backward()
    for name, parameters in model.components().items():
        reached = [p.grad is not None for p in parameters.values()]
        assert all(reached), name
    assert ("prompt" in model.components()) == (form != "manual")


def test_pooled_embedding_is_the_mean_of_projected_patches(biomed: Backbone) -> None:
    pixels = biomed.pixels(torch.rand(2, 64, 64))
    with torch.no_grad():
        tokens = biomed.visual.trunk.forward_features(pixels)[:, 1:]  # after the final norm
        expected = sum(biomed.visual.head(tokens[:, i]) for i in range(16)) / 16
        torch.testing.assert_close(biomed.gap_features(pixels), expected, atol=1e-5, rtol=1e-5)


def test_a_saved_folder_needs_nothing_else(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "kept"
    source.mkdir()
    settings = hugging_face_settings(source)
    backbone = build_backbone(settings)
    save_backbone(backbone, folder, settings)
    for file in source.iterdir():
        file.unlink()
    loaded = load_backbone(folder)
    tokens = backbone.tokenizer(["a photo of normal"])
    assert torch.equal(loaded.tokenizer(["a photo of normal"]), tokens)
    with torch.no_grad():
        assert torch.equal(loaded.clip_model.encode_text(tokens), backbone.clip_model.encode_text(tokens))
        pixels = backbone.pixels(torch.rand(1, 64, 64))
        assert torch.equal(loaded.gap_features(pixels), backbone.gap_features(pixels))


@pytest.mark.parametrize("named", ["folder", "file"])
def test_the_publisher_s_folder_and_its_weights_alone(named: str, tmp_path: Path) -> None:
    """As BiomedCLIP is given out: open_clip_config.json, a pickled state dict, the tokenizer."""
    source, folder = tmp_path / "source", tmp_path / "published"
    source.mkdir()
    folder.mkdir()
    settings = hugging_face_settings(source)
    made = build_backbone(settings)
    published = {
        "model_cfg": settings.model,
        "preprocess_cfg": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.1]},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(published))
    torch.save(made.clip_model.state_dict(), folder / "open_clip_pytorch_model.bin")
    for file in source.iterdir():
        if file.name != "config.json":  # that of the text tower's architecture, which the configuration names
            shutil.copy(file, folder)
    if named == "folder":
        found = build_backbone(BackboneSettings(model=f"local-dir:{folder}", image_size=64))
        assert found.mean.flatten().tolist() == pytest.approx([0.4, 0.5, 0.6])
    else:
        weights = str(folder / "open_clip_pytorch_model.bin")
        found = build_backbone(replace(settings, pretrained=weights))
    for (name, tensor), other in zip(
        found.clip_model.state_dict().items(), made.clip_model.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, other), name
    tokens = made.tokenizer(["a photo of normal"])
    assert torch.equal(found.tokenizer(["a photo of normal"]), tokens)
    pixels = torch.rand(1, 64, 64)
    assert found.normed(found.feature_maps(found.pixels(pixels), [12])[0]).shape == (1, 192, 4, 4)
