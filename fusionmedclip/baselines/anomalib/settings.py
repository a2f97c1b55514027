"""Settings of a model of anomalib."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fusionmedclip.baselines.ranges import at_least
from fusionmedclip.errors import InputError

__all__ = ["AnomalibModelSettings"]


@dataclass(frozen=True, kw_only=True)
class AnomalibModelSettings:
    """A model of anomalib by its name there, trained as its Engine does; nothing is chosen on labels.

    Attributes
    ----------
    model : str
        Class in ``anomalib.models``, such as ``Padim`` or ``Stfpm``.
    arguments : mapping
        Of its constructor; anomalib's own defaults for the rest, weights that it fetches among them.
    image_size : int
        Side at which images are seen, pixels.
    epochs : int or None
        Passes over the support set; None, what the model itself asks its trainer for.
    train_batch : int
        Images a step.
    """

    model: str = "Padim"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    image_size: int = 256
    epochs: int | None = None
    train_batch: int = 8

    def __post_init__(self):
        if not self.model.isidentifier():
            raise InputError(
                "model is no class of anomalib.models", received=self.model, allowed="Padim, Stfpm ..."
            )
        at_least(32, image_size=self.image_size)
        at_least(1, train_batch=self.train_batch, epochs=1 if self.epochs is None else self.epochs)
