"""Table A1 as defaults, steps of a run, and values that cannot be."""

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.training.fit_settings import LearningRates, LossSettings, OptimiserSettings
from fusionmedclip.training.settings import FusionSettings


def test_table_a1_is_the_default() -> None:
    settings = FusionSettings()
    optimiser = settings.optimiser
    assert (optimiser.name, optimiser.epochs, optimiser.batch_size) == ("adamw", 200, 8)
    assert (optimiser.weight_decay, optimiser.betas, optimiser.epsilon) == (0.01, (0.9, 0.999), 1e-8)
    rates = optimiser.learning_rates
    assert (rates.prompt, rates.alignment, rates.lora, rates.block_adapter) == (1e-3, 1e-3, 3e-5, 5e-5)
    assert (settings.loss.image_weight, settings.loss.segmentation_weight) == (1.0, 1.0)
    assert (settings.loss.image, settings.loss.gamma, settings.precision) == ("focal_max", 2.0, "float32")


@pytest.mark.parametrize(("k", "steps"), [(4, 200), (8, 200), (16, 400), (32, 800), (9, 400)])
def test_steps_of_a_run(k: int, steps: int) -> None:
    assert OptimiserSettings().steps(k) == steps


@pytest.mark.parametrize(
    ("kind", "values", "key"),
    [
        (LossSettings, {"image": "focal"}, "loss.image"),
        (LossSettings, {"gamma": -1.0}, "loss.gamma"),
        (LossSettings, {"dice_smooth": -1.0}, "loss.dice_smooth"),
        (LossSettings, {"pixel_smoothing": 0.5}, "loss.pixel_smoothing"),
        (LearningRates, {"lora": -1e-5}, "optimiser.learning_rates.lora"),
        (OptimiserSettings, {"name": "sgd"}, "optimiser.name"),
        (OptimiserSettings, {"epochs": -1}, "optimiser.epochs"),
        (OptimiserSettings, {"batch_size": 0}, "optimiser.batch_size"),
        (OptimiserSettings, {"betas": (0.9, 1.0)}, "optimiser.betas"),
        (OptimiserSettings, {"betas": (0.9,)}, "optimiser.betas"),
        (OptimiserSettings, {"weight_decay": -0.1}, "optimiser.weight_decay"),
        (OptimiserSettings, {"epsilon": 0.0}, "optimiser.epsilon"),
        (OptimiserSettings, {"stage2_epochs": 201}, "optimiser.stage2_epochs"),
        (OptimiserSettings, {"schedule": "linear"}, "optimiser.schedule"),
        (FusionSettings, {"precision": "float16"}, "precision"),
    ],
)
def test_what_cannot_be_names_key_value_and_what_is_allowed(kind: type, values: dict, key: str) -> None:
    with pytest.raises(InputError) as caught:
        kind(**values)
    message = str(caught.value)
    assert message.startswith(key)
    assert repr(next(iter(values.values()))) in message
    assert "allowed:" in message
