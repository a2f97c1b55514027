"""PromptAD's views and loss against loops, other towers, what is saved; the chain stands in `official`."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fusionmedclip.baselines import create
from fusionmedclip.baselines.promptad.prompts import StatePrompts, Texts, prompt_loss
from fusionmedclip.baselines.promptad.settings import PromptADSettings
from fusionmedclip.baselines.promptad.views import views
from fusionmedclip.baselines.value_stream import value_attention
from fusionmedclip.errors import InputError
from fusionmedclip.models.prompts.text import encode_text, token_embeddings

SMALL = {"layers": (1, 2), "steps": 3}


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_the_second_stream_starts_at_the_last_blocks(tiny_clip, phantoms):
    """One block: its input and what its values say; the class token's vector is the tower's own."""
    pixels = tiny_clip.pixels(phantoms[0][:2])
    seen = views(tiny_clip, pixels, [1, 3], value_blocks=1)
    kept = []
    last = tiny_clip.visual.transformer.resblocks[2]
    hook = last.register_forward_pre_hook(lambda _module, inputs: kept.append(inputs[0]))
    image = tiny_clip.visual(pixels)
    hook.remove()
    stream = kept[0] + value_attention(last.attn, last.ln_1(kept[0]))
    patches = (tiny_clip.visual.ln_post(stream) @ tiny_clip.visual.proj)[:, 1:]
    torch.testing.assert_close(seen.patches.flatten(2).transpose(1, 2), F.normalize(patches, dim=-1))
    torch.testing.assert_close(seen.image, F.normalize(image, dim=1))
    after = kept[0] + last.attention(last.ln_1(kept[0]))
    depth = seen.depths[1].flatten(2).transpose(1, 2)
    torch.testing.assert_close(depth, F.normalize(after[:, 1:], dim=-1))


@torch.no_grad()
def test_prompts_are_every_pair_of_normal_and_abnormal_vectors(tiny_clip):
    settings = PromptADSettings(subject="brain MRI", states=("{} with a tumour",), abnormal_prompts=2)
    prompts = StatePrompts(tiny_clip, settings, 3, 0)
    texts = prompts(tiny_clip)
    assert [len(part) for part in texts] == [3, 3, 6]
    vocabulary = token_embeddings(tiny_clip)
    kept = vocabulary.clone()
    tokens = tiny_clip.tokenizer(["X X X X brain MRI with a tumour.", "X X X X X brain MRI."])
    ids = torch.arange(100, 105)
    for row in (0, 1):
        tokens[row, 1 : 5 + row] = ids[: 4 + row]
    for normal, abnormal, found in ((2, None, texts.worded[2]), (1, 1, texts.learnt[4])):
        vocabulary[ids[:4]] = prompts.normal[normal]
        if abnormal is not None:
            vocabulary[ids[4:]] = prompts.abnormal[abnormal]
        row = 0 if abnormal is None else 1
        torch.testing.assert_close(found, encode_text(tiny_clip, tokens[row : row + 1])[0])
        vocabulary.copy_(kept)


@pytest.mark.parametrize("patches", [False, True])
def test_loss_by_a_loop(patches):
    texts = Texts(drawn(1, 2, 5), drawn(2, 3, 5), drawn(3, 4, 5))
    features = F.normalize(drawn(4, 2, 6, 5) if patches else drawn(4, 2, 5), dim=-1)
    normal = F.normalize(texts.normal.mean(0), dim=0)
    everything = [*texts.worded, *texts.learnt]
    abnormal = F.normalize(torch.stack(everything).mean(0), dim=0)
    told, near = [], []
    for vector in features.reshape(-1, 5):
        logits = torch.stack([vector @ normal, *(vector @ F.normalize(t, dim=0) for t in everything)]) * 3
        told.append(-logits.log_softmax(dim=0)[0])
    for image in features:
        squares = [(image - state) ** 2 for state in (normal, abnormal)]
        one, other = (s.sum(dim=0) for s in squares)  # over patches for each number; over numbers of an image
        near.append((one - other).clamp(min=0).mean())
    means = [torch.stack([F.normalize(t, dim=0) for t in part]).mean(0) for part in texts[1:]]
    expected = sum(told) / len(told) + sum(near) / len(near) + 0.25 * ((means[0] - means[1]) ** 2).sum()
    found = prompt_loss(features, texts, scale=torch.tensor(3.0), match_weight=0.25)
    torch.testing.assert_close(found, expected)


def test_a_convolutional_tower_gives_maps_and_scores(phantoms, tmp_path):
    model = {
        "embed_dim": 16,
        "vision_cfg": {"timm_model_name": "test_resnet", "timm_pool": "avg", "timm_proj": "linear",
                       "image_size": 64},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }  # fmt: skip
    arguments = {"backbone": {"model": model, "image_size": 64}, "layers": (2, 3), "steps": 2}
    detector = create("promptad", **arguments).fit(phantoms[0][:3], seed=1)
    found = detector.score(phantoms[1])
    assert found.maps.shape == phantoms[1].shape
    assert np.isfinite(found.maps).all()
    assert np.ptp(found.scores) > 0
    detector.save(tmp_path)
    again = create("promptad", **arguments).restore(tmp_path).score(phantoms[1])
    assert np.array_equal(found.scores, again.scores)
    assert np.array_equal(found.maps, again.maps)


def test_an_image_scores_the_same_alone_and_prompts_depend_on_the_seed(tiny_clip, phantoms):
    normal, lesion = phantoms
    detector = create("promptad", backbone=tiny_clip, **SMALL).fit(normal[:3], seed=0)
    together, alone = detector.score(lesion), detector.score(lesion[2:3])
    np.testing.assert_allclose(alone.scores[0], together.scores[2], rtol=1e-5)
    again = create("promptad", backbone=tiny_clip, **SMALL).fit(normal[:3], seed=0).score(lesion)
    other = create("promptad", backbone=tiny_clip, **SMALL).fit(normal[:3], seed=1).score(lesion)
    assert np.array_equal(together.scores, again.scores)
    assert not np.array_equal(together.scores, other.scores)
    width = 32
    normal_vectors, abnormal_vectors = 4 * width, 4 * 1 * width
    assert detector.trained_parameters() == {
        "image_prompts": 3 * normal_vectors + abnormal_vectors,
        "map_prompts": normal_vectors + abnormal_vectors,
    }


def test_what_it_cannot_take_is_refused(resnet, tiny_clip, phantoms):
    with pytest.raises(InputError, match="text tower"):
        create("promptad", backbone=resnet)
    with pytest.raises(InputError, match=r"(?s)states.*each with \{\} once"):
        PromptADSettings(states=("with a tumour",))
    with pytest.raises(InputError, match="was not fitted"):
        create("promptad", backbone=tiny_clip).score(phantoms[1])
    with pytest.raises(InputError, match=r"(?s)no such layer.*9.*1 to 3"):
        create("promptad", backbone=tiny_clip, layers=(9,)).fit(phantoms[0][:2])
