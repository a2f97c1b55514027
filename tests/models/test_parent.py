"""MediCLIP's setting against figures that its official code gives on the same weights.

They come from running cnulab/MediCLIP at commit ca99858d6d50780beff198496bbf19d46a1e62d0 (its CLIP,
PromptMaker, Adapter, Necker, MapMaker, FocalLoss, BinaryDiceLoss, and Adam as in train.py) on a CLIP of
``model_towers.VIT`` and ``TEXT`` with QuickGELU, layers 1, 2, 3; weights and image from
``model_towers.drawn``.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from model_towers import drawn

from fusionmedclip.models.backbones import Backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import ModelSettings, PromptSettings
from fusionmedclip.randomness import generator
from fusionmedclip.training.losses import total_loss
from fusionmedclip.training.optimiser import make_optimiser
from fusionmedclip.training.settings import LearningRates, LossSettings, OptimiserSettings

# Anomaly channel at every eighth pixel, two images.
MAPS = [
    [
        [0.5159042477607727, 0.510886013507843, 0.5100395083427429, 0.5114019513130188],
        [0.5122742652893066, 0.5130966901779175, 0.5128330588340759, 0.5133358240127563],
        [0.5100400447845459, 0.5129472017288208, 0.5121458768844604, 0.5112041234970093],
        [0.510775089263916, 0.5129078030586243, 0.5118513107299805, 0.5101157426834106],
    ],
    [
        [0.5024535059928894, 0.5005205273628235, 0.5070267915725708, 0.509270966053009],
        [0.5074566006660461, 0.503263533115387, 0.5070411562919617, 0.5105421543121338],
        [0.5085688829421997, 0.5072214007377625, 0.5073407292366028, 0.5091390013694763],
        [0.5097548365592957, 0.507999837398529, 0.5076846480369568, 0.5080342888832092],
    ],
]
SCORES = [0.5159042477607727, 0.5128443837165833]
# Focal and Dice loss before each of five steps of Adam.
LOSSES = [
    (0.18430131673812866, 0.8886295557022095),
    (0.18342822790145874, 0.8886498808860779),
    (0.18258656561374664, 0.8886696100234985),
    (0.1817772537469864, 0.8886885643005371),
    (0.18100033700466156, 0.8887069225311279),
]
# After them: scores, and the first four numbers of the text embeddings.
SCORES_AFTER = [0.5110741257667542, 0.509168803691864]
TEXT_NORMAL = [0.4571961760520935, 0.15576547384262085, -0.0065003917552530766, -0.10397528111934662]
TEXT_ABNORMAL = [0.48389923572540283, 0.1986090987920761, 0.0425904355943203, -0.1227547898888588]

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


@pytest.fixture
def model(quick_vit: Callable[[], Backbone]) -> FusionModel:
    """MediCLIP's parts with the weights of the official run."""
    model = FusionModel(quick_vit(), SETTINGS, seed=0)
    with torch.no_grad():
        for number, layer in enumerate(model.alignment.layers):
            layer.weight.copy_(drawn(f"adapter.{number}.weight", (16, 32, 1, 1)))
            layer.bias.copy_(drawn(f"adapter.{number}.bias", (16,)))
        contexts = [drawn("context.normal", (10, 8, 16)), drawn("context.abnormal", (11, 8, 16))]
        model.prompts.context.copy_(torch.cat(contexts))
    return model


@pytest.fixture
def images() -> np.ndarray:
    return generator("drawn", "image").random((2, 32, 32)).astype(np.float32)


def test_maps_and_scores_are_mediclips(model: FusionModel, images: np.ndarray) -> None:
    with torch.no_grad():
        scores, maps = model(model.backbone.pixels(images))
    torch.testing.assert_close(maps[:, ::8, ::8], torch.tensor(MAPS), atol=1e-5, rtol=0)
    torch.testing.assert_close(scores, torch.tensor(SCORES), atol=1e-5, rtol=0)


def test_five_steps_of_training_are_mediclips(model: FusionModel, images: np.ndarray) -> None:
    masks = torch.zeros(2, 32, 32)
    masks[1, 8:20, 4:16] = 1
    updates = make_optimiser(model.components(), OPTIMISER)
    losses = []
    for _ in range(5):
        updates.zero_grad()
        scores, maps = model.train()(model.backbone.pixels(images))
        loss, parts = total_loss(scores, maps, masks, LossSettings(image="focal_pixel"))
        losses.append((parts["image_loss"], parts["segmentation_loss"]))
        loss.backward()
        updates.step()
    np.testing.assert_allclose(losses, LOSSES, atol=1e-5, rtol=0)
    with torch.no_grad():
        scores, _ = model.eval()(model.backbone.pixels(images))
        text = model.text()[:, :4]
    torch.testing.assert_close(scores, torch.tensor(SCORES_AFTER), atol=1e-5, rtol=0)
    torch.testing.assert_close(text, torch.tensor([TEXT_NORMAL, TEXT_ABNORMAL]), atol=1e-5, rtol=0)


def test_mediclips_map_in_plain_loops(model: FusionModel, images: np.ndarray) -> None:
    """Cosine a layer, mean over layers, bilinear with aligned corners, two-way softmax."""
    with torch.no_grad():
        pixels = model.backbone.pixels(images)
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
