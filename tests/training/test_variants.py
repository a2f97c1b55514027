"""configs/variants.yaml: each variant is one switch of row 6, and MediCLIP is MediCLIP."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fusionmedclip.config import Config, load_config
from fusionmedclip.settings import build, plain
from fusionmedclip.synthesis.settings import PRESETS
from fusionmedclip.training.pretrain import PretrainSettings
from fusionmedclip.training.settings import FusionSettings

SWITCHES = {
    "layers_14_18_24": {"model.layers": [14, 18, 24]},
    "learnable_temperature": {"model.temperature.learnable": True},
    "phrases": {"model.prompt.form": "phrases"},
    "shared_context": {"model.prompt.class_specific": False},
    "umls_encoder_outputs": {"model.prompt.umls": "encoder_outputs"},
    "no_umls": {"model.prompt.umls": "none"},
    "focal_pixel": {"loss.image": "focal_pixel"},
    "cosine_first": {"model.aggregation": "cosine_first"},
    "lora_only": {"model.block_adapter": None},
    "block_adapters_only": {"model.lora": None},
    "bfloat16": {"precision": "bfloat16"},
}


@pytest.fixture(scope="module")
def config() -> Config:
    root = Path(__file__).resolve().parents[2]
    return load_config([root / "config.yaml", root / "configs" / "variants.yaml"])


def settings(config: Config, method: str) -> FusionSettings:
    return build(FusionSettings, config.method(method)["settings"])


def leaves(data: dict, path: str = "") -> Iterator[tuple[str, object]]:
    for name, value in data.items():
        yield f"{path}{name}", value
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")


@pytest.mark.parametrize("method", SWITCHES)
def test_each_variant_switches_one_thing(config: Config, method: str) -> None:
    base, variant = (dict(leaves(plain(settings(config, name)))) for name in ("fusionmedclip", method))
    differing = {
        name: value
        for name, value in variant.items()
        if base.get(name, "absent") != value and not isinstance(value, dict)
    }
    assert differing == SWITCHES[method]
    assert config.method(method)["backbone"] == config.method("fusionmedclip")["backbone"]


@pytest.mark.parametrize(("method", "preset"), [("originals_only", "parent"), ("enhanced_only", "enhanced")])
def test_pools_of_anomalies(config: Config, method: str, preset: str) -> None:
    assert settings(config, method).synthesis.families == PRESETS[preset]
    assert settings(config, method).model == settings(config, "fusionmedclip").model


def test_mediclip_is_its_published_setting(config: Config) -> None:
    entry, parent = config.method("mediclip"), settings(config, "mediclip")
    assert entry["backbone"] == "clip"
    model, optimiser = parent.model, parent.optimiser
    assert (model.layers, model.head, model.aggregation) == ((12, 18, 24), "map", "cosine_first")
    assert (model.lora, model.block_adapter, model.align_corners) == (None, None, True)
    assert (model.prompt.form, model.prompt.umls, model.prompt.causal) == ("phrases", "none", False)
    assert (model.prompt.context_tokens, model.prompt.init_std) == (8, 0.02)
    assert (optimiser.name, optimiser.betas, optimiser.weight_decay) == ("adam", (0.5, 0.999), 0.0)
    assert (optimiser.learning_rates.prompt, optimiser.learning_rates.alignment) == (1e-3, 1e-3)
    assert (optimiser.epochs, optimiser.batch_size) == (200, 8)
    assert (parent.loss.image, parent.loss.gamma, parent.loss.pixel_smoothing) == ("focal_pixel", 2.0, 1e-5)
    assert parent.synthesis.families == PRESETS["parent"]


def test_the_oracle_trains_as_row_6_does(config: Config) -> None:
    assert config.method("fusionmedclip_oracle")["settings"] == config.method("fusionmedclip")["settings"]
    assert config.method("fusionmedclip_oracle")["oracle"] == 10
    assert "oracle" not in config.method("fusionmedclip")


def test_stage_1_without_flips_is_table_a2_in_all_else(config: Config) -> None:
    base, variant = (config.method(name)["backbone"] for name in ("fusionmedclip", "stage1_no_flip"))
    assert config.method("stage1_no_flip")["settings"] == config.method("fusionmedclip")["settings"]
    one, other = (
        {**config.backbone(n)["stage1"], "settings": stage1_settings(config, n)} for n in (base, variant)
    )
    assert one["settings"].augment.flip
    assert other == {**one, "settings": replace(one["settings"], augment=other["settings"].augment)}
    assert other["settings"].augment == replace(one["settings"].augment, flip=False)
    assert config.backbone(base)["base"] == config.backbone(variant)["base"]


def stage1_settings(config: Config, backbone: str) -> PretrainSettings:
    return PretrainSettings.from_dict(config.backbone(backbone)["stage1"]["settings"])


def test_the_table_has_stage_2_and_the_whole_beside_every_variant(config: Config) -> None:
    table = config.data["tables"]["variants"]
    assert table["shots"] == [16]
    assert table["methods"][:2] == ["align_adapter", "fusionmedclip"]
    others = {"originals_only", "enhanced_only", "mediclip", "fusionmedclip_oracle", "stage1_no_flip"}
    assert set(table["methods"][2:]) == set(SWITCHES) | others
