"""Table A2 in the defaults, and refusals that say what is allowed."""

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.training.pretrain import AugmentSettings, PretrainSettings


def test_defaults_are_table_a2():
    settings = PretrainSettings()
    assert (settings.max_epochs, settings.batch_size, settings.warmup_epochs) == (50, 32, 5)
    assert (settings.learning_rate, settings.min_learning_rate) == (3e-6, 1e-7)
    assert (settings.weight_decay, settings.betas, settings.epsilon) == (0.05, (0.9, 0.999), 1e-8)
    assert (settings.layer_decay, settings.label_smoothing, settings.mixup_alpha) == (0.8, 0.1, 0.2)
    assert (settings.text_mixup, settings.dropout) == (True, 0.1)
    assert (settings.patience, settings.min_delta) == (5, 1e-4)
    assert settings.augment.flip is True  # HFlip is printed


def test_from_dict_nests_and_keeps_defaults():
    settings = PretrainSettings.from_dict(
        {"max_epochs": 9, "betas": [0.9, 0.98], "augment": {"flip": True, "crop_scale": None}}
    )
    assert settings.max_epochs == 9
    assert settings.betas == (0.9, 0.98)
    assert settings.augment == AugmentSettings(flip=True, crop_scale=None)
    assert settings.learning_rate == 3e-6


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"epochs": 3}, "no such setting of pretrain"),
        ({"augment": {"hflip": True}}, "no such setting of pretrain.augment"),
        ({"augment": 3}, "pretrain.augment"),
        ({"learning_rate": "3e-6"}, "3.0e-6"),
        ({"batch_size": 1}, "whole number from 2"),
        ({"batch_size": 8.0}, "batch_size"),
        ({"max_epochs": True}, "max_epochs"),
        ({"max_epochs": 3}, "warmup_epochs must be below"),
        ({"layer_decay": 0}, "layer_decay"),
        ({"betas": [0.9]}, "betas"),
        ({"dropout": 1}, "dropout"),
        ({"dropout_form": "tokens"}, "auto, path, head, none"),
        ({"precision": "float16"}, "float32, tf32, bfloat16"),
        ({"keep": "first"}, "best, last"),
        ({"text_mixup": 1}, "true, false"),
        ({"micro_batch": 0}, "micro_batch"),
        ({"patience": -1}, "patience"),
        ({"temperature": 0}, "temperature"),
        ({"augment": {"crop_scale": [0.5, 1.5]}}, "crop_scale"),
        ({"augment": {"crop_scale": [0.9, 0.5]}}, "smaller one first"),
        ({"augment": {"brightness": -0.1}}, "brightness"),
        ({"augment": {"flip": "no"}}, "flip"),
    ],
)
def test_refusals(bad: dict, words: str):
    with pytest.raises(InputError) as error:
        PretrainSettings.from_dict(bad)
    assert words in str(error.value)
