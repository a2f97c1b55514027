"""AnomalyCLIP's prompts: where the learnt vectors go, in open_clip's text tower and in BERT's."""

import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.baselines.anomalyclip.prompts import ObjectAgnosticPrompts
from fusionmedclip.baselines.anomalyclip.settings import AnomalyCLIPSettings
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.store import build_backbone
from fusionmedclip.models.prompts.text import encode_text, token_embeddings
from tests.models.towers import hugging_face_settings

SETTINGS = AnomalyCLIPSettings(context_tokens=3, deep_tokens=2, text_depth=2, subject="picture")


@torch.no_grad()
def test_vectors_stand_behind_the_start_token_of_the_input_and_of_the_second_block(tiny_clip):
    """The tower's blocks one after the other, by hand."""
    prompts = ObjectAgnosticPrompts(tiny_clip, SETTINGS, seed=0)
    tokens = tiny_clip.tokenizer(["X X X picture.", "X X X damaged picture."])
    clip = tiny_clip.clip_model
    x = token_embeddings(tiny_clip)[tokens].clone()
    x[:, 1:4] = prompts.context
    x = x + clip.positional_embedding
    first, second = clip.transformer.resblocks
    x = first(x, attn_mask=clip.attn_mask)
    x[:, 1:3] = prompts.deep[0]
    x = clip.ln_final(second(x, attn_mask=clip.attn_mask))
    ends = x[torch.arange(2), tokens.argmax(dim=1)] @ clip.text_projection
    torch.testing.assert_close(prompts(tiny_clip), F.normalize(ends, dim=1))


def test_every_vector_learns_and_no_block_listens_afterwards(tiny_clip):
    prompts = ObjectAgnosticPrompts(tiny_clip, SETTINGS, seed=0)
    states = prompts(tiny_clip)
    (states[0] @ states[1]).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in prompts.parameters())
    blocks = tiny_clip.clip_model.transformer.resblocks
    assert not any(block._forward_pre_hooks for block in blocks)


def test_the_start_depends_on_the_seed_alone(tiny_clip):
    one, again, other = (ObjectAgnosticPrompts(tiny_clip, SETTINGS, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.context, again.context)
    assert not torch.equal(one.context, other.context)
    assert not torch.equal(one.context[0], one.context[1])


def test_a_text_tower_has_to_be_deep_enough(tiny_clip):
    with pytest.raises(InputError, match=r"(?s)text_depth.*3.*1 to 2"):
        ObjectAgnosticPrompts(tiny_clip, AnomalyCLIPSettings(text_depth=3), seed=0)
    alone = ObjectAgnosticPrompts(tiny_clip, AnomalyCLIPSettings(text_depth=1), seed=0)
    assert len(alone.deep) == 0


@torch.no_grad()
def test_a_bert_takes_them_as_well(tmp_path):
    """The second layer's input, as it hears it, against that of the words alone."""
    pytest.importorskip("transformers")
    backbone = build_backbone(hugging_face_settings(tmp_path))
    prompts = ObjectAgnosticPrompts(backbone, SETTINGS, seed=0)
    heard = []
    layer = backbone.clip_model.text.transformer.encoder.layer[1]
    with prompts._inside(backbone):
        hook = layer.register_forward_pre_hook(lambda _module, inputs: heard.append(inputs[0]))
        encode_text(backbone, prompts.tokens, context=prompts.context)
    encode_text(backbone, prompts.tokens, context=prompts.context)
    hook.remove()
    within, without = heard
    for row in (0, 1):
        torch.testing.assert_close(within[row, 1:3], prompts.deep[0])
    kept = [0, *range(3, within.shape[1])]
    torch.testing.assert_close(within[:, kept], without[:, kept])
    assert not torch.allclose(within[:, 1:3], without[:, 1:3])
