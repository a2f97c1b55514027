"""Settings that cannot be, and what the errors say."""

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import (
    BlockAdapterSettings,
    LoraSettings,
    ModelSettings,
    PromptSettings,
    TemperatureSettings,
)


def test_defaults_are_the_documented_choices() -> None:
    settings = ModelSettings()
    assert settings.layers == (12, 18, 24)
    assert (settings.head, settings.aggregation) == ("map", "softmax_first")
    assert (settings.prompt.form, settings.prompt.context_tokens, settings.prompt.class_specific) == (
        "coop",
        8,
        True,
    )
    assert (settings.temperature.value, settings.temperature.learnable) == (0.07, False)
    assert (settings.lora.rank, settings.lora.alpha, settings.lora.dropout) == (8, 16, 0.05)
    assert (settings.block_adapter.bottleneck, settings.block_adapter.dropout) == (64, 0.1)


@pytest.mark.parametrize(
    ("kind", "values", "key", "allowed"),
    [
        (PromptSettings, {"form": "soft"}, "prompt.form", "coop, phrases, manual"),
        (PromptSettings, {"umls": "all"}, "prompt.umls", "none, token_embeddings, encoder_outputs"),
        (PromptSettings, {"context_tokens": 0}, "prompt.context_tokens", "from 1"),
        (PromptSettings, {"umls_share": 1.5}, "prompt.umls_share", "0 to 1"),
        (PromptSettings, {"init_std": -0.1}, "prompt.init_std", "0 or more"),
        (PromptSettings, {"form": "manual", "template": "a photo"}, "prompt.template", "one {}"),
        (PromptSettings, {"class_names": ("normal",)}, "prompt.class_names", "two names"),
        (PromptSettings, {"class_names": ("normal", "")}, "prompt.class_names", "two names"),
        (TemperatureSettings, {"value": 2.0}, "temperature.value", "maximum (1.0)"),
        (TemperatureSettings, {"value": 0.0, "minimum": 0.0}, "temperature.value", "more than 0"),
        (LoraSettings, {"rank": 0}, "lora.rank", "from 1"),
        (LoraSettings, {"alpha": 0}, "lora.alpha", "more than 0"),
        (LoraSettings, {"dropout": 1.0}, "lora.dropout", "not including, 1"),
        (BlockAdapterSettings, {"bottleneck": 0}, "block_adapter.bottleneck", "from 1"),
        (BlockAdapterSettings, {"dropout": -0.1}, "block_adapter.dropout", "not including, 1"),
        (ModelSettings, {"head": "dense"}, "model.head", "map, gap"),
        (ModelSettings, {"aggregation": "mean"}, "model.aggregation", "softmax_first, cosine_first"),
        (ModelSettings, {"layers": ()}, "model.layers", "at least one"),
        (ModelSettings, {"head": "gap"}, "model.block_adapter", "null"),
    ],
)
def test_what_cannot_be_names_key_value_and_what_is_allowed(
    kind: type, values: dict, key: str, allowed: str
) -> None:
    with pytest.raises(InputError) as caught:
        kind(**values)
    message = str(caught.value)
    assert key in message
    assert allowed in message
    last = list(values.values())[-1]
    assert repr(last) in message or not last or last == "gap"
