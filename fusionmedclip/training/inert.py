"""Settings of a run that compute nothing beside its others: of a part that is off, of no training."""

from collections.abc import Iterator

from fusionmedclip.models.settings import ModelSettings, PromptSettings
from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings

__all__ = ["inert_settings"]


def inert_settings(
    model: ModelSettings, *, loss: LossSettings, optimiser: OptimiserSettings
) -> tuple[str, ...]:
    """Dotted keys of what changes no byte of a run, whatever its value: below ``FusionSettings``."""
    parts = _trained_parts(model)
    trained = bool(parts) and optimiser.epochs > 0
    found = [f"model.{name}" for name in _of_model(model)]
    if not parts:
        found.append("optimiser")
    elif not trained:
        found += [f"optimiser.{name}" for name in vars(optimiser) if name != "epochs"]
    else:
        rates = vars(optimiser.learning_rates)
        found += [f"optimiser.learning_rates.{name}" for name in rates if name not in parts]
        found += [f"loss.{name}" for name in _of_loss(loss, has_map=model.head == "map")]
    return tuple(found if trained else [*found, "loss", "synthesis"])


def _trained_parts(model: ModelSettings) -> set[str]:
    """Components that have parameters to train (``FusionModel.components``)."""
    parts = {
        "prompt": model.prompt.form != "manual",
        "alignment": model.head == "map",
        "block_adapter": model.head == "map" and model.block_adapter is not None,
        "lora": model.lora is not None,
        "temperature": model.temperature.learnable,
    }
    return {name for name, there in parts.items() if there}


def _of_model(model: ModelSettings) -> Iterator[str]:
    yield from (f"prompt.{name}" for name in _of_prompt(model.prompt))
    if not model.temperature.learnable:
        yield from ("temperature.minimum", "temperature.maximum")
    if model.head == "map":
        yield "gap_features"
    else:
        yield from ("aggregation", "align_corners")
        if model.gap_features == "final":
            yield "layers"


def _of_prompt(prompt: PromptSettings) -> Iterator[str]:
    if prompt.form == "manual":
        yield from ("context_tokens", "class_specific", "umls", "umls_share", "init_std")
        return
    yield "template"
    if prompt.form == "phrases":
        yield "class_names"
    informed = round(prompt.context_tokens * prompt.umls_share)
    if prompt.umls == "none":
        yield "umls_share"
    elif not informed:
        yield "umls"
    elif informed == prompt.context_tokens:
        yield "init_std"


def _of_loss(loss: LossSettings, *, has_map: bool) -> Iterator[str]:
    if loss.image == "none":
        yield from ("image_weight", "gamma", "alpha", "pixel_smoothing")
    elif loss.image_weight == 0:
        yield from ("image", "gamma", "alpha", "pixel_smoothing")
    elif loss.image != "focal_pixel":
        yield "pixel_smoothing"
    if not has_map:
        yield from ("segmentation_weight", "dice_smooth")
    elif loss.segmentation_weight == 0:
        yield "dice_smooth"
