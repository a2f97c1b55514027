"""The text tower with and without learnable vectors, against open_clip's own encoding of full length."""

import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.models.prompts.text import encode_text, mean_token_embeddings, token_width
from tests.models.towers import TEXT, drawn, drawn_state, vit_settings

TEXTS = ["normal", "a photo of an anomaly, seen by chance"]


@pytest.fixture(params=["clip", "custom text"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """open_clip's CLIP, and its CustomTextCLIP, whose text tower is a module of its own."""
    model = {**vit_settings().model, "custom_text": request.param == "custom text"}
    backbone = build_backbone(BackboneSettings(model=model, image_size=32))
    backbone.clip_model.load_state_dict(drawn_state(backbone.clip_model.state_dict()))
    return backbone


def by_hand(backbone: Backbone, tokens: torch.Tensor, context: torch.Tensor, *, causal: bool) -> torch.Tensor:
    """Eq. 3's g_phi over every position, a prompt at a time."""
    tower = getattr(backbone.clip_model, "text", backbone.clip_model)
    rows = []
    for ids, vectors in zip(tokens, context, strict=True):
        x = tower.token_embedding.weight[ids].clone()
        for slot in range(len(vectors)):
            x[1 + slot] = vectors[slot]
        x = (x + tower.positional_embedding)[None]
        mask = torch.full((77, 77), float("-inf")).triu(1) if causal else None
        for block in tower.transformer.resblocks:
            x = block(x, attn_mask=mask)
        end = int((ids == 49407).nonzero()[0, 0])
        rows.append(tower.ln_final(x[0, end]) @ tower.text_projection)
    return torch.stack(rows)


@pytest.mark.parametrize("causal", [True, False])
def test_vectors_replace_the_placeholders_and_nothing_else(backbone: Backbone, causal: bool) -> None:
    tokens = backbone.tokenizer([f"X X X {text}" for text in TEXTS])
    context = drawn("context", (2, 3, TEXT["width"]))
    with torch.no_grad():
        result = encode_text(backbone, tokens, context=context, causal=causal)
        expected = by_hand(backbone, tokens, context, causal=causal)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)


def test_without_vectors_it_is_open_clips_encoding(backbone: Backbone) -> None:
    tokens = backbone.tokenizer(TEXTS)
    with torch.no_grad():
        expected = backbone.clip_model.encode_text(tokens)
        torch.testing.assert_close(encode_text(backbone, tokens), expected, atol=1e-5, rtol=1e-5)


def test_the_tower_is_left_as_it_was(backbone: Backbone) -> None:
    tower = getattr(backbone.clip_model, "text", backbone.clip_model)
    mask, positions, names = tower.attn_mask, tower.positional_embedding, list(tower.state_dict())
    for causal in (True, False):
        encode_text(backbone, backbone.tokenizer(TEXTS), causal=causal)
        with pytest.raises(RuntimeError):  # vectors of another width
            encode_text(backbone, backbone.tokenizer(TEXTS), context=torch.zeros(2, 3, 5), causal=causal)
    assert tower.attn_mask is mask
    assert tower.positional_embedding is positions
    assert list(tower.state_dict()) == names
    assert not tower.token_embedding._forward_hooks


def test_only_positions_that_decide_a_feature_are_computed(backbone: Backbone) -> None:
    tower = getattr(backbone.clip_model, "text", backbone.clip_model)
    lengths = []
    handle = tower.ln_final.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[1]))
    tokens = backbone.tokenizer(["normal", "anomaly"])  # start, word, end
    encode_text(backbone, tokens)
    encode_text(backbone, tokens, causal=False)
    handle.remove()
    assert lengths == [3, 77]


def test_gradients_reach_the_vectors_alone(backbone: Backbone) -> None:
    tokens = backbone.tokenizer(["X X normal"])
    context = drawn("context", (1, 2, TEXT["width"])).requires_grad_()
    encode_text(backbone, tokens, context=context).sum().backward()
    assert float(context.grad.abs().min()) > 0
    assert all(p.grad is None for p in backbone.parameters())


def test_mean_token_embeddings_leave_out_start_end_and_padding(backbone: Backbone) -> None:
    table = getattr(backbone.clip_model, "text", backbone.clip_model).token_embedding.weight
    result = mean_token_embeddings(backbone, TEXTS)
    for row, text in zip(result, TEXTS, strict=True):
        ids = backbone.tokenizer.encode(text)
        torch.testing.assert_close(row, sum(table[i] for i in ids) / len(ids))
    assert token_width(backbone) == TEXT["width"]


def test_a_network_without_text_is_refused() -> None:
    plain = build_backbone(BackboneSettings(kind="timm", model="resnet18", image_size=64))
    with pytest.raises(InputError, match=r"(?s)no text tower.*CLIP backbone"):
        encode_text(plain, torch.zeros(1, 77, dtype=torch.long))
