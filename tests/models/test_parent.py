"""MediCLIP's setting against figures that its official code gives on the same weights and batches.

``mediclip_figures.py`` holds what ``official_mediclip.py`` printed over cnulab/MediCLIP at commit
ca99858d6d50780beff198496bbf19d46a1e62d0: its CLIP, PromptMaker, Adapter, Necker, MapMaker, FocalLoss,
BinaryDiceLoss, and Adam as in train.py. Ours differs by rounding and by the small constant of Eq. 5, which
MediCLIP leaves out: 3e-8 in maps and losses.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import ModelSettings, PromptSettings
from fusionmedclip.training.fit_settings import LearningRates, LossSettings, OptimiserSettings
from fusionmedclip.training.losses import total_loss
from fusionmedclip.training.optimiser import make_optimiser
from tests.models import mediclip_figures as official
from tests.models.drawn_weights import drawn, drawn_batch

AGREEMENT = 1e-6
SETTINGS = ModelSettings(
    layers=(1, 2, 3),
    aggregation="cosine_first",
    prompt=PromptSettings(form="phrases", umls="none", causal=False),
    lora=None,
    block_adapter=None,
)
OPTIMISER = OptimiserSettings(
    name="adam",
    betas=(0.5, 0.999),
    weight_decay=0.0,
    learning_rates=LearningRates(prompt=1e-3, alignment=1e-3),
)


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def model(request: pytest.FixtureRequest, quick_vit: Callable[[], Backbone]) -> FusionModel:
    """MediCLIP's parts with the weights of the official run."""
    model = FusionModel(quick_vit(), SETTINGS, seed=0)
    with torch.no_grad():
        for number, layer in enumerate(model.alignment.layers):
            layer.weight.copy_(drawn(f"adapter.{number}.weight", (16, 32, 1, 1)))
            layer.bias.copy_(drawn(f"adapter.{number}.bias", (16,)))
        contexts = [drawn("context.normal", (10, 8, 16)), drawn("context.abnormal", (11, 8, 16))]
        model.prompts.context.copy_(torch.cat(contexts))
    return model.to(request.param)


@pytest.fixture
def images() -> np.ndarray:
    return drawn_batch(0)[0]


def run(model: FusionModel, images: np.ndarray) -> tuple[Tensor, Tensor]:
    return model(model.backbone.pixels(images).to(model.backbone.mean.dtype))


def trained(model: FusionModel, of: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Parameters or their gradients, under the names of the official run."""
    parts = {}
    for number, layer in enumerate(model.alignment.layers):
        parts[f"adapter.{number}.weight"] = of(layer.weight)
        parts[f"adapter.{number}.bias"] = of(layer.bias)
    context = of(model.prompts.context)
    return parts | {"context.normal": context[:10], "context.abnormal": context[10:]}


def assert_samples(tensors: dict[str, Tensor], expected: dict[str, list[float]]) -> None:
    """Norm, first, middle and last number, to AGREEMENT of the largest."""
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        flat = tensor.detach().double().flatten()
        found = torch.stack([flat.norm(), flat[0], flat[len(flat) // 2], flat[-1]])
        torch.testing.assert_close(
            found,
            torch.tensor(expected[name], dtype=torch.float64),
            atol=AGREEMENT * expected[name][0],
            rtol=0,
            msg=name,
        )


def assert_near(found: Tensor | np.ndarray, expected: list) -> None:
    np.testing.assert_allclose(np.asarray(found, np.float64), expected, atol=AGREEMENT, rtol=0)


def test_maps_and_scores_are_mediclips(model: FusionModel, images: np.ndarray) -> None:
    with torch.no_grad():
        scores, maps = run(model, images)
    assert_near(maps[:, ::8, ::8], official.MAPS)
    assert torch.equal(scores, maps.flatten(1).amax(1))


def test_twenty_five_steps_of_training_are_mediclips(model: FusionModel, images: np.ndarray) -> None:
    """Both losses of each step, gradients of the first and the last, and all that was trained."""
    updates, losses = make_optimiser(model.components(), OPTIMISER), []
    gradients = {0: official.GRADIENTS_FIRST, 24: official.GRADIENTS_LAST}
    for step in range(25):
        pictures, masks = drawn_batch(step)
        updates.zero_grad()
        scores, maps = run(model.train(), pictures)
        loss, parts = total_loss(scores, maps, torch.from_numpy(masks), LossSettings(image="focal_pixel"))
        losses.append((parts["image_loss"], parts["segmentation_loss"]))
        loss.backward()
        if step in gradients:
            assert_samples(trained(model, lambda parameter: parameter.grad), gradients[step])
        updates.step()
    assert_near(np.array(losses), official.LOSSES)
    assert_samples(trained(model, lambda parameter: parameter), official.TRAINED)
    with torch.no_grad():
        assert_near(run(model.eval(), images)[1][:, ::8, ::8], official.MAPS_AFTER)
        assert_near(model.text()[:, :4], official.TEXT_AFTER)


def test_mediclips_map_in_plain_loops(model: FusionModel, images: np.ndarray) -> None:
    """Cosine a layer, mean over layers, bilinear with aligned corners, two-way softmax."""
    with torch.no_grad():
        pixels = model.backbone.pixels(images).to(model.backbone.mean.dtype)
        raw = model.backbone.feature_maps(pixels, (1, 2, 3))
        _, maps = model(pixels)
        text = model.text().double()
    cosine = torch.zeros(2, 2, 4, 4, dtype=torch.float64)
    for layer, features in zip(model.alignment.layers, raw, strict=True):
        weight, bias = layer.weight[:, :, 0, 0].detach().double(), layer.bias.detach().double()
        for b in range(2):
            for h in range(4):
                for w in range(4):
                    vector = weight @ features[b, :, h, w].double() + bias
                    vector = vector / vector.pow(2).sum().sqrt()
                    for c in range(2):
                        cosine[b, c, h, w] += (vector * text[c]).sum() / 3
    for b, y, x in [(0, 0, 0), (0, 5, 17), (1, 30, 2), (1, 31, 31)]:
        row, column = y * 3 / 31, x * 3 / 31
        top, left = min(int(row), 2), min(int(column), 2)
        down, right = row - top, column - left
        logits = []
        for c in range(2):
            m = cosine[b, c]
            upper = (1 - right) * m[top, left] + right * m[top, left + 1]
            lower = (1 - right) * m[top + 1, left] + right * m[top + 1, left + 1]
            logits.append(float((1 - down) * upper + down * lower))
        expected = np.exp(logits[1]) / (np.exp(logits[0]) + np.exp(logits[1]))
        assert abs(float(maps[b, y, x]) - expected) < 1e-5
