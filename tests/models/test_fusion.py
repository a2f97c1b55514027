"""The whole model: rows of the ablation, what trains, what stays frozen, precision, gradients."""

from collections.abc import Callable

import open_clip
import pytest
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import (
    BlockAdapterSettings,
    LoraSettings,
    ModelSettings,
    PromptSettings,
    TemperatureSettings,
)
from tests.models.towers import drawn, timm_settings, vit_settings

SMALL = {"layers": (1, 2, 3), "block_adapter": BlockAdapterSettings(bottleneck=4)}


def row(number: int, **more) -> ModelSettings:
    """Rows 3 to 6 of Table 8, in small."""
    if number <= 4:
        umls = "token_embeddings" if number == 4 else "none"
        settings = {"head": "gap", "lora": None, "block_adapter": None, "prompt": PromptSettings(umls=umls)}
    elif number == 5:
        settings = {"layers": (1, 2, 3), "lora": None, "block_adapter": None}
    else:
        settings = SMALL
    return ModelSettings(**{**settings, **more})


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(0))


def stir(model: FusionModel) -> FusionModel:
    """Every trained parameter away from its start."""
    for parameters in model.components().values():
        for name, parameter in parameters.items():
            parameter.data += drawn(name, tuple(parameter.shape), scale=0.1).to(parameter.dtype)
    return model


def test_counts_at_vit_l_14() -> None:
    """Table A1 at full size, on the meta device: no memory, no time."""
    with torch.device("meta"):
        clip = open_clip.CLIP(**open_clip.get_model_config("ViT-L-14-quickgelu"))
    names = {"clip": clip, "tokenizer": open_clip.SimpleTokenizer()}
    backbone = Backbone(clip.visual, mean=[0.5] * 3, std=[0.5] * 3, **names).to("meta")
    model = FusionModel(backbone, ModelSettings(prompt=PromptSettings(umls="none")), seed=0)
    counts = {name: sum(p.numel() for p in ps.values()) for name, ps in model.components().items()}
    assert counts == {"prompt": 2 * 8 * 768, "alignment": 2361600, "block_adapter": 396480, "lora": 3538944}
    # By hand: 24 blocks of four 1024 x 1024 layers and two of 1024 x 4096, rank 8; three bottlenecks of 64
    # and three 1x1 convolutions 1024 -> 768, all with bias.
    assert counts["lora"] == 24 * 8 * (4 * (1024 + 1024) + 2 * (1024 + 4096))
    assert counts["block_adapter"] == 3 * (1024 * 64 + 64 + 64 * 1024 + 1024)
    assert counts["alignment"] == 3 * (1024 * 768 + 768)


def test_rows_five_and_six_start_from_the_same_map(
    quick_vit: Callable[[], Backbone], images: torch.Tensor
) -> None:
    maps = []
    for number in (5, 6):
        model = FusionModel(quick_vit(), row(number), seed=3).eval()
        with torch.no_grad():
            maps.append(model(model.backbone.pixels(images))[1])
    torch.testing.assert_close(maps[0], maps[1], atol=1e-5, rtol=0)


def test_each_row_trains_its_parts_alone(quick_vit: Callable[[], Backbone]) -> None:
    def parts(settings: ModelSettings) -> set[str]:
        return set(FusionModel(quick_vit(), settings, seed=0).components())

    assert parts(row(3)) == parts(row(4)) == {"prompt"}
    assert parts(row(5)) == {"prompt", "alignment"}
    assert parts(row(6)) == {"prompt", "alignment", "block_adapter", "lora"}
    learnt = TemperatureSettings(learnable=True)
    assert parts(row(6, temperature=learnt)) == {
        "prompt",
        "alignment",
        "block_adapter",
        "lora",
        "temperature",
    }
    manual = PromptSettings(form="manual")
    assert parts(row(3, prompt=manual)) == set()


def test_only_the_parts_hold_gradients_and_all_of_them_do(vit: Backbone, images: torch.Tensor) -> None:
    model = stir(FusionModel(vit, row(6, temperature=TemperatureSettings(learnable=True)), seed=0)).train()
    scores, maps = model(vit.pixels(images))
    (scores.sum() + maps.mean()).backward()
    trained = {id(p) for ps in model.components().values() for p in ps.values()}
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (id(parameter) in trained), name
        assert (parameter.grad is not None) == (id(parameter) in trained), name
        if parameter.grad is not None:
            assert float(parameter.grad.abs().sum()) > 0, name


def test_the_score_is_the_maps_maximum(vit: Backbone, images: torch.Tensor) -> None:
    model = stir(FusionModel(vit, row(6), seed=0)).eval()
    with torch.no_grad():
        scores, maps = model(vit.pixels(images))
    assert maps.shape == (2, 32, 32)
    assert 0 <= float(maps.min()) < float(maps.max()) <= 1
    for score, m in zip(scores, maps, strict=True):
        assert float(score) == max(max(line) for line in m.tolist())


def test_rows_without_a_map_score_the_pooled_embedding(vit: Backbone, images: torch.Tensor) -> None:
    model = FusionModel(vit, row(4), seed=0).eval()
    with torch.no_grad():
        scores, maps = model(vit.pixels(images))
        text, pooled = model.text(), vit.gap_features(vit.pixels(images))
    assert maps is None
    for score, vector in zip(scores, pooled, strict=True):
        normal, anomaly = (float(vector @ t / vector.norm()) / 0.07 for t in text)
        expected = 1 / (1 + torch.exp(torch.tensor(normal - anomaly, dtype=torch.float64)))
        assert float(score) == pytest.approx(float(expected), abs=1e-5)


def test_block_adapters_are_a_side_branch(vit: Backbone, images: torch.Tensor) -> None:
    """Layers 2 and 3 give the same map whatever the adapter of layer 1 does."""
    maps = []
    for layers in ((1, 2, 3), (2, 3)):
        model = FusionModel(vit_copy(vit), row(6, layers=layers, lora=None), seed=0).eval()
        for adapter in model.block_adapters.layers:
            adapter[3].weight.data.fill_(0.3)
        maps.append(model.features(vit.pixels(images))[-2:])
    for one, two in zip(*maps, strict=True):
        assert torch.equal(one, two)


def vit_copy(vit: Backbone) -> Backbone:
    copy = build_backbone(vit_settings())
    copy.load_state_dict(vit.state_dict())
    return copy


def test_bfloat16_towers_give_float32_maps_close_to_float32s(vit: Backbone, images: torch.Tensor) -> None:
    model = stir(FusionModel(vit, row(6), seed=0)).eval()
    pixels = vit.pixels(images)
    with torch.no_grad():
        _, exact = model(pixels)
        with vit.autocast("bfloat16"):
            scores, maps = model(pixels)
    assert maps.dtype == scores.dtype == torch.float32
    assert float((maps - exact).abs().mean()) < 0.01
    # Half precision has 256 values between two powers of two; the map must not fall back to them.
    assert not torch.equal(maps, maps.bfloat16().float())


def test_gradients_of_every_part() -> None:
    settings = vit_settings(width=8, layers=2, head_width=4, patch_size=16)
    backbone = build_backbone(settings)
    model = FusionModel(
        backbone,
        row(
            6,
            layers=(1, 2),
            prompt=PromptSettings(context_tokens=2),
            lora=LoraSettings(rank=1, alpha=2),
            block_adapter=BlockAdapterSettings(bottleneck=2),
            temperature=TemperatureSettings(value=0.5, learnable=True),
        ),
        seed=0,
    )
    model = stir(model.double()).eval()
    pixels = drawn("pixels", (1, 3, 32, 32), scale=1.0).double()
    parameters = [p for ps in model.components().values() for p in ps.values()]

    def run(*_: torch.Tensor) -> torch.Tensor:
        return model(pixels)[1][:, ::8, ::8]

    assert torch.autograd.gradcheck(run, parameters, fast_mode=True)


def test_an_adapted_backbone_serves_one_model(vit: Backbone) -> None:
    FusionModel(vit, row(6), seed=0)
    with pytest.raises(InputError, match=r"(?s)adapted in place by another model.*again"):
        FusionModel(vit, row(5), seed=0)


def test_backbones_without_text_or_layer_are_refused(vit: Backbone) -> None:
    with pytest.raises(InputError, match=r"(?s)no such layer.*12.*1 to 3"):
        FusionModel(vit, ModelSettings(), seed=0)
    plain = build_backbone(BackboneSettings(kind="timm", model="resnet18", image_size=64))
    with pytest.raises(InputError, match="text tower"):
        FusionModel(plain, row(5), seed=0)


def test_gap_of_several_layers_by_hand(vit: Backbone, images: torch.Tensor) -> None:
    """Each layer's tokens: final norm, projection, mean over places, softmax over tau; then the mean."""
    model = FusionModel(vit, row(4, layers=(1, 3), gap_features="layers"), seed=0).eval()
    with torch.no_grad():
        pixels, text = vit.pixels(images), model.text()
        scores, maps = model(pixels)
        tokens = [m.flatten(2).transpose(1, 2) for m in vit.feature_maps(pixels, (1, 3))]
    assert maps is None
    for b in range(2):
        layers = []
        for layer in tokens:
            places = torch.stack([vit.visual.ln_post(t) @ vit.visual.proj for t in layer[b]]).detach()
            mean = places.mean(dim=0)
            cosines = [float(mean @ t / (mean.norm() + 1e-6)) for t in text]
            odds = [torch.tensor(c / 0.07).exp() for c in cosines]
            layers.append(float(odds[1] / (odds[0] + odds[1])))
        assert float(scores[b]) == pytest.approx(sum(layers) / 2, abs=1e-5)


def test_gap_of_the_last_layer_alone_is_the_final_one(vit: Backbone, images: torch.Tensor) -> None:
    scores = []
    for more in ({}, {"layers": (3,), "gap_features": "layers"}, {"layers": (2,), "gap_features": "layers"}):
        model = FusionModel(vit, row(4, **more), seed=0).eval()
        with torch.no_grad():
            scores.append(model(vit.pixels(images))[0])
    torch.testing.assert_close(scores[0], scores[1])
    assert not torch.allclose(scores[0], scores[2])


def test_gap_of_several_layers_needs_a_transformer(images: torch.Tensor) -> None:
    backbone = build_backbone(timm_settings("resnet18", size=32))
    model = FusionModel(backbone, row(4, layers=(3, 4), gap_features="layers"), seed=0).eval()
    with pytest.raises(InputError, match="vision transformer"):
        model(backbone.pixels(images))
