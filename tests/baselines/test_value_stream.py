"""The stream beside a vision transformer against a loop and a single block; nothing listens afterwards."""

import torch
from torch import nn

from fusionmedclip.baselines.value_stream import has_value_stream, value_attention, value_stream
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone


def test_values_attend_to_values():
    attention = nn.MultiheadAttention(6, 2, batch_first=True)
    nn.init.normal_(attention.in_proj_bias)
    tokens = torch.randn((1, 4, 6), generator=torch.Generator().manual_seed(1))
    values = tokens[0] @ attention.in_proj_weight[12:].T + attention.in_proj_bias[12:]
    rows = []
    for i in range(4):
        heads = []
        for head in values.split(3, dim=1):
            weights = torch.stack([head[i] @ head[j] for j in range(4)]).div(3**0.5).softmax(dim=0)
            heads.append(sum(weights[j] * head[j] for j in range(4)))
        rows.append(torch.cat(heads))
    expected = torch.stack(rows) @ attention.out_proj.weight.T + attention.out_proj.bias
    torch.testing.assert_close(value_attention(attention, tokens)[0], expected)


@torch.no_grad()
def test_what_is_heard_is_the_tower_itself_and_a_stream_that_starts_at_the_last_blocks(tiny_clip, phantoms):
    pixels = tiny_clip.pixels(phantoms[0][:2])
    heard = value_stream(tiny_clip, pixels, 2, attended=[1])
    visual, kept = tiny_clip.visual, []
    hooks = [
        block.register_forward_hook(lambda _module, inputs, output: kept.append((inputs[0], output)))
        for block in visual.transformer.resblocks
    ]
    image = visual(pixels)
    for hook in hooks:
        hook.remove()
    stream = kept[1][0]
    for block, (before, _) in zip(list(visual.transformer.resblocks)[1:], kept[1:], strict=True):
        stream = stream + value_attention(block.attn, block.ln_1(before))
    torch.testing.assert_close(heard.image, image)
    torch.testing.assert_close(heard.class_token, kept[2][1][:, 0])
    torch.testing.assert_close(heard.patches.flatten(2).transpose(1, 2), stream[:, 1:])
    first, before = visual.transformer.resblocks[0], kept[0][0]
    after = before + first.attention(first.ln_1(before))
    torch.testing.assert_close(heard.attended[0].flatten(2).transpose(1, 2), after[:, 1:])


def test_nothing_listens_afterwards(tiny_clip, phantoms):
    value_stream(tiny_clip, tiny_clip.pixels(phantoms[0][:1]), 2, attended=[1, 2])
    blocks = tiny_clip.visual.transformer.resblocks
    for module in [m for block in blocks for m in block.modules()]:
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_a_convolutional_tower_has_none(tiny_clip):
    assert has_value_stream(tiny_clip)
    assert not has_value_stream(
        build_backbone(BackboneSettings(kind="timm", model="test_resnet", image_size=64))
    )
