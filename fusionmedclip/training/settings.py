"""Settings of a few-shot run (thesis Table A1), without torch, so that reading them stays cheap."""

from dataclasses import dataclass, field

from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import PRECISIONS, ModelSettings
from fusionmedclip.synthesis.settings import SynthesisSettings
from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings
from fusionmedclip.training.inert import inert_settings

__all__ = ["FusionSettings"]


@dataclass(frozen=True, kw_only=True)
class FusionSettings:
    """Everything a run of FusionMedCLIP, or of an ablation row, is made of besides its backbone.

    Attributes
    ----------
    model : ModelSettings
    loss : LossSettings
    optimiser : OptimiserSettings
    synthesis : SynthesisSettings
    precision : str
        In training and scoring: ``float32``; ``tf32``, of GPUs that have it; or ``bfloat16``, of the towers.
    capture : bool
        On a GPU, record a training step as a CUDA graph and replay it; nothing on a CPU.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    synthesis: SynthesisSettings = field(default_factory=SynthesisSettings)
    precision: str = "float32"
    capture: bool = True

    @property
    def frozen_features(self) -> bool:
        """Whether scoring may take the frozen backbone's features from a store."""
        return self.model.frozen_tower and self.precision == "float32"

    @property
    def stored_layers(self) -> tuple[int | str, ...]:
        """Layers whose maps scoring needs; ``("gap",)`` for rows without a map."""
        model = self.model
        return ("gap",) if model.head == "gap" and model.gap_features == "final" else model.layers

    @property
    def inert(self) -> tuple[str, ...]:
        """What computes nothing; see :func:`fusionmedclip.settings.effective`."""
        return inert_settings(self.model, loss=self.loss, optimiser=self.optimiser)

    def __post_init__(self):
        if self.precision not in PRECISIONS:
            raise InputError("precision", received=self.precision, allowed=", ".join(PRECISIONS))
