"""Settings of Stage 1, with Table A2's values as defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import PRECISIONS

__all__ = ["AugmentSettings", "PretrainSettings"]

_CHOICES = {
    "dropout_form": ("auto", "path", "head", "none"),
    "precision": PRECISIONS,
    "keep": ("best", "last"),
}


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """Augmentations of Table A2, each switched off by null, 0 or false.

    Table A2 names them without their strengths, so the strengths are choices. Its ``Grayscale`` has no
    switch: every image of this project is read as grey, and with that hue and saturation jitter vanish too.

    Attributes
    ----------
    crop_scale : (float, float) or None
        Share of the picture's area that a random resized crop keeps. A caption may speak of any part of
        its picture, so crops are milder than ImageNet's.
    crop_ratio : (float, float)
        Aspect ratio of the crop.
    flip : bool
        Horizontal flip of every second view, as printed. It swaps left and right, which captions name.
    brightness, contrast : float
        Factors are drawn from 1 - value to 1 + value.
    rotation : float
        Largest angle, degrees.
    """

    crop_scale: tuple[float, float] | None = (0.5, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: bool = True
    brightness: float = 0.2
    contrast: float = 0.2
    rotation: float = 10.0

    def __post_init__(self):
        for name in ("crop_scale", "crop_ratio"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _pair(f"augment.{name}", getattr(self, name)))
        if self.crop_scale is not None:
            _require("augment.crop_scale", self.crop_scale, self.crop_scale[1] <= 1, "two shares up to 1")
        for name in ("brightness", "contrast"):
            _number(f"augment.{name}", getattr(self, name), 0, 1)
        _number("augment.rotation", self.rotation, 0, 180)
        _require("augment.flip", self.flip, isinstance(self.flip, bool), "true, false")


@dataclass(frozen=True, kw_only=True)
class PretrainSettings:
    """How the image tower is finetuned on captioned images (thesis section 3.1, Table A2).

    Attributes
    ----------
    max_epochs, batch_size : int
        ``batch_size`` is the global one, over all processes.
    image_size : int or None
        Side of the input, pixels; None takes the backbone's.
    learning_rate, min_learning_rate : float
        Peak and floor of the schedule, for the last layers; see ``layer_decay``.
    warmup_epochs : float
        Linear warm-up; a cosine follows.
    layer_decay : float
        The rate of each layer, floor included, is this times that of the layer above it; 1 switches it off.
    weight_decay, betas, epsilon
        Of AdamW. Biases, norms and position and class embeddings are not decayed.
    label_smoothing : float
    mixup_alpha : float
        Of Beta(alpha, alpha); 0 switches mixup off.
    text_mixup : bool
        True mixes the captions' unit embeddings with the same weights and normalises again; False keeps the
        captions and mixes the targets.
    exclude_equal_captions : bool
        Two pairs with the same caption are not negatives of each other.
    dropout : float
        Rate, 0 switches it off.
    dropout_form : str
        ``path``: residual branches of single images, rate rising linearly with depth; ``head``: single
        channels of the pooled feature; ``auto``: ``path`` where the tower has residual branches to drop,
        else ``head``; ``none``.
    token_dropout : float
        Share of patch tokens left out in training (a ViT only). Saves time; not in the thesis.
    temperature : float or None
        Tau of Eq. 2, not trained; None keeps the backbone's.
    patience : int
        Stop after this many epochs without improvement; 0 never stops early.
    min_delta : float
        Least fall of the validation loss that counts as improvement.
    keep : str
        Weights to keep: ``best`` (lowest validation loss) or ``last``.
    validation_share : float
        Taken from the training pairs where the captions have no validation split.
    augment : AugmentSettings
    precision : str
        ``float32``; ``tf32``, of GPUs that have it; or ``bfloat16`` by autocast of the tower. Weights and
        loss stay float32.
    micro_batch : int or None
        Images of one process that go through the tower at once; the loss still sees the whole batch.
    gradient_checkpointing : bool
    checkpoint_steps : int or None
        Also write a checkpoint every so many steps; always after each epoch.
    label_prompt : str
        Sentence for the zero-shot accuracy where captions have labels; ``{}`` stands for the label.
    workers, prefetch : int
        Threads that prepare images, and batches that they prepare ahead. No effect on the result.
    cache_gib : float
        Memory for decoded pictures, GiB a process. No effect on the result.
    """

    max_epochs: int = 50
    batch_size: int = 32
    image_size: int | None = None
    learning_rate: float = 3e-6
    min_learning_rate: float = 1e-7
    warmup_epochs: float = 5
    layer_decay: float = 0.8
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    label_smoothing: float = 0.1
    mixup_alpha: float = 0.2
    text_mixup: bool = True
    exclude_equal_captions: bool = True
    dropout: float = 0.1
    dropout_form: str = "auto"
    token_dropout: float = 0.0
    temperature: float | None = None
    patience: int = 5
    min_delta: float = 1e-4
    keep: str = "best"
    validation_share: float = 0.1
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    precision: str = "float32"
    micro_batch: int | None = None
    gradient_checkpointing: bool = False
    checkpoint_steps: int | None = None
    label_prompt: str = "a photo of {}"
    workers: int = 4
    prefetch: int = 4
    cache_gib: float = 1.0

    @property
    def inert(self) -> tuple[str, ...]:
        """What computes nothing; see :func:`fusionmedclip.settings.effective`."""
        found = []
        if self.dropout == 0:
            found.append("dropout_form")
        elif self.dropout_form == "none":
            found.append("dropout")
        if self.mixup_alpha == 0:
            found.append("text_mixup")
        if self.patience == 0 and self.keep == "last":
            found.append("min_delta")
        if self.augment.crop_scale is None:
            found.append("augment.crop_ratio")
        return tuple(found)

    def __post_init__(self):
        for name in ("max_epochs", "batch_size", "workers", "prefetch"):
            _whole(name, getattr(self, name), 2 if name == "batch_size" else 1)
        for name in ("image_size", "micro_batch", "checkpoint_steps"):
            if getattr(self, name) is not None:
                _whole(name, getattr(self, name), 1)
        _whole("patience", self.patience, 0)
        for name in _RANGES:
            if name != "temperature" or self.temperature is not None:
                _number(name, getattr(self, name), *_RANGES[name])
        object.__setattr__(self, "betas", _pair("betas", self.betas))
        for name in ("text_mixup", "exclude_equal_captions", "gradient_checkpointing"):
            _require(name, getattr(self, name), isinstance(getattr(self, name), bool), "true, false")
        for name, allowed in _CHOICES.items():
            _require(name, getattr(self, name), getattr(self, name) in allowed, ", ".join(allowed))
        if self.warmup_epochs >= self.max_epochs:
            hint = "lower pretrain.warmup_epochs together with max_epochs"
            raise InputError(
                "pretrain.warmup_epochs must be below max_epochs",
                received=f"{self.warmup_epochs} of {self.max_epochs}",
                hint=hint,
            )

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Build from a configuration; keys left out keep Table A2's values.

        Raises
        ------
        InputError
            If a key is unknown or a value out of range.
        """
        settings = dict(settings)
        augment = settings.pop("augment", None)
        if augment is not None and not isinstance(augment, AugmentSettings):
            if not isinstance(augment, Mapping):
                raise InputError("pretrain.augment", received=augment, allowed="a mapping")
            _known(AugmentSettings, augment, "pretrain.augment")
            augment = AugmentSettings(**augment)
        _known(cls, settings, "pretrain")
        return cls(**settings) if augment is None else cls(**settings, augment=augment)


_RANGES = {
    "learning_rate": (0, 1),
    "min_learning_rate": (0, 1),
    "warmup_epochs": (0, float("inf")),
    "layer_decay": (1e-6, 1),
    "weight_decay": (0, 1),
    "epsilon": (0, 1),
    "label_smoothing": (0, 0.999),
    "mixup_alpha": (0, float("inf")),
    "dropout": (0, 0.999),
    "token_dropout": (0, 0.99),
    "temperature": (1e-4, 100),
    "min_delta": (0, float("inf")),
    "validation_share": (1e-6, 0.5),
    "cache_gib": (0, float("inf")),
}


def _known(cls: type, settings: Mapping[str, Any], where: str) -> None:
    names = [f.name for f in fields(cls)]
    for name in settings:
        if name not in names:
            raise InputError(f"no such setting of {where}", received=name, allowed=", ".join(names))


def _require(name: str, value: Any, condition: bool, allowed: str) -> None:
    if not condition:
        raise InputError(f"pretrain.{name}", received=value, allowed=allowed)


def _whole(name: str, value: Any, least: int) -> None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= least
    _require(name, value, good, f"a whole number from {least}")


def _number(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, str):
        hint = "YAML reads 3e-6 as text: write 3.0e-6"
        raise InputError(f"pretrain.{name} is text", received=value, allowed="a number", hint=hint)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    _require(name, value, good, f"a number from {low} to {high}")


def _pair(name: str, value: Any) -> tuple[float, float]:
    good = isinstance(value, (list, tuple)) and len(value) == 2
    good = good and all(isinstance(v, (int, float)) and v > 0 for v in value) and value[0] <= value[1]
    _require(name, value, good, "two positive numbers, the smaller one first")
    return tuple(value)
