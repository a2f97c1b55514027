"""Layers and prompts of a map, by the equations written out; words near learnt context."""

import numpy as np
import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.explanations import layer_maps, nearest_tokens, prompt_similarities
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import ModelSettings
from fusionmedclip.settings import build


def made(backbone: Backbone, **settings) -> FusionModel:
    given = {"layers": [1, 2], "lora": None, **settings}
    return FusionModel(backbone, build(ModelSettings, given), seed=0).eval()


@pytest.fixture
def features(vit: Backbone) -> list[torch.Tensor]:
    pixels = torch.randn(2, 3, *vit.visual.image_size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return vit.feature_maps(pixels, [1, 2])


def test_the_mean_over_layers_is_the_map(vit: Backbone, features: list[torch.Tensor]) -> None:
    model = made(vit)
    layers = layer_maps(model, features, (20, 24))
    with torch.no_grad():
        _, maps = model.score_features(features, model.text(), (20, 24))
    assert layers.shape == (2, 2, 20, 24)
    torch.testing.assert_close(layers.mean(dim=0), maps)
    assert not torch.allclose(layers[0], layers[1], atol=1e-3)


def test_prompts_by_hand_at_the_places_of_the_grid(vit: Backbone, features: list[torch.Tensor]) -> None:
    """At the grid's own size nothing is interpolated: cosine of each place, one at a time, in float64."""
    model = made(vit, prompt={"form": "phrases"})
    height, width = features[0].shape[2:]
    found = prompt_similarities(model, features, (height, width))
    with torch.no_grad():
        prompts = model.prompts.each(vit).double()
        aligned = [layer.double() for layer in model.aligned(features)]
    assert len(model.prompts.texts) == len(found) == 21
    for prompt, row, column in [(0, 0, 0), (20, height - 1, 0), (11, 1, width - 1)]:
        cosines = [float(layer[1, :, row, column] @ prompts[prompt]) for layer in aligned]
        assert float(found[prompt, 1, row, column]) == pytest.approx(np.mean(cosines), abs=1e-5)
    norms = prompts.norm(dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms), atol=1e-5, rtol=0)


def test_two_prompts_give_the_map_of_one_layer(vit: Backbone, features: list[torch.Tensor]) -> None:
    """Eq. 6 from the prompts' cosines: softmax of both over tau."""
    model = made(vit, layers=[2])
    size = tuple(features[1].shape[2:])
    normal, anomaly = prompt_similarities(model, features[1:], size)
    tau = float(model.temperature())
    by_hand = 1 / (1 + torch.exp((normal - anomaly) / tau))
    torch.testing.assert_close(layer_maps(model, features[1:], size)[0], by_hand, atol=1e-4, rtol=0)


def test_a_vector_that_is_a_word_is_nearest_to_it(vit: Backbone) -> None:
    model = made(vit)
    table = vit.clip_model.token_embedding.weight
    lung, heart = (int(vit.tokenizer([word])[0, 1]) for word in ("lung", "heart"))
    with torch.no_grad():
        model.prompts.context[1, 3] = 2 * table[lung]
        model.prompts.context[0, 0] = 0.6 * table[heart] / table[heart].norm() + 0.8 * _orthogonal(
            table[heart]
        )
    found = {(t.prompt, t.slot, t.rank): t for t in nearest_tokens(model, count=3)}
    assert len(found) == 2 * 8 * 3
    word = found["anomaly", 4, 1]
    assert (word.token, word.cosine) == ("lung", pytest.approx(1, abs=1e-5))
    assert word.norm == pytest.approx(2 * float(table[lung].norm()), rel=1e-5)
    near = [t for t in found.values() if t.prompt == "normal" and t.slot == 1]
    assert near[0].cosine >= near[1].cosine >= near[2].cosine
    ours = torch.nn.functional.cosine_similarity(model.prompts.context[0, :1], table)
    assert near[0].cosine == pytest.approx(float(ours.max().detach()), abs=1e-5)


def _orthogonal(vector: torch.Tensor) -> torch.Tensor:
    other = torch.ones_like(vector)
    other = other - (other @ vector) / (vector @ vector) * vector
    return other / other.norm()


def test_shared_context_and_manual_prompts(vit: Backbone) -> None:
    shared = made(vit, prompt={"class_specific": False})
    assert {t.prompt for t in nearest_tokens(shared, count=1)} == {"all"}
    assert nearest_tokens(made(vit, prompt={"form": "manual"})) == []


def test_a_head_without_a_map_is_refused(vit: Backbone, features: list[torch.Tensor]) -> None:
    model = made(vit, head="gap", block_adapter=None)
    for explain in (layer_maps, prompt_similarities):
        with pytest.raises(InputError, match="no map"):
            explain(model, features, (8, 8))
