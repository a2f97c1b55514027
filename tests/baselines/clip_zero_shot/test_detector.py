"""Zero-shot CLIP against open_clip's own encoders and a softmax by hand."""

import numpy as np
import pytest
import torch

from fusionmedclip.baselines import create
from fusionmedclip.baselines.prompt_sets import phrases


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("prompts", ["plain", "medical"])
@torch.inference_mode()
def test_probability_of_the_abnormal_state(tiny_clip, phantoms, prompts):
    clip, images = tiny_clip.clip_model, phantoms[1]
    states = [
        unit(unit(clip.encode_text(tiny_clip.tokenizer(texts)).double().numpy()).mean(axis=0))
        for texts in phrases(prompts, "chest X-ray")
    ]
    embeddings = unit(clip.encode_image(tiny_clip.pixels(images)).double().numpy())
    normal, abnormal = (np.exp(embeddings @ state / 0.07) for state in states)
    detector = create("clip_zero_shot", backbone=tiny_clip, prompts=prompts, subject="chest X-ray")
    result = detector.fit(phantoms[0][:1]).score(images)
    np.testing.assert_allclose(result.scores, abnormal / (normal + abnormal), rtol=1e-4)
    assert result.maps.shape == images.shape


def test_the_support_set_is_not_looked_at(tiny_clip, phantoms):
    normal, lesion = phantoms
    scores = [
        create("clip_zero_shot", backbone=tiny_clip).fit(s).score(lesion).scores for s in (normal, lesion)
    ]
    assert np.array_equal(*scores)
