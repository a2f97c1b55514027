"""FusionMedCLIP: the whole model, whose parts the ablation switches on one by one (thesis sections 3.2-3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.adapters import AlignmentAdapters, BlockAdapters, BlockAdapterSettings, normalise
from fusionmedclip.models.backbones import Backbone, Layer
from fusionmedclip.models.lora import LoraSettings, add_lora, lora_parameters
from fusionmedclip.models.prompts import Prompts, PromptSettings
from fusionmedclip.models.similarity import AGGREGATIONS, Temperature, TemperatureSettings, aggregate

__all__ = ["FusionModel", "ModelSettings"]

HEADS = ("map", "gap")


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """What the model consists of.

    Attributes
    ----------
    layers : tuple of Layer
        J, counted from 1: 12, 18, 24 in chapter 3, 14, 18, 24 in section 4.2 and Table A1.
    head : str
        ``map``: alignment adapters and a dense map (rows 5 and 6 of Table 8); ``gap``: global average pooling
        of the projected final patch tokens, no map (rows 1 to 4).
    aggregation : str
        Order of softmax, upsampling and mean; see :data:`fusionmedclip.models.similarity.AGGREGATIONS`.
    align_corners : bool
        Of the upsampling.
    prompt, temperature : settings
    lora, block_adapter : settings or None
        None leaves the part out (rows 1 to 5).
    """

    layers: tuple[Layer, ...] = (12, 18, 24)
    head: str = "map"
    aggregation: str = "softmax_first"
    align_corners: bool = True
    prompt: PromptSettings = field(default_factory=PromptSettings)
    temperature: TemperatureSettings = field(default_factory=TemperatureSettings)
    lora: LoraSettings | None = field(default_factory=LoraSettings)
    block_adapter: BlockAdapterSettings | None = field(default_factory=BlockAdapterSettings)

    def __post_init__(self):
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.head not in HEADS:
            raise InputError("model.head", received=self.head, allowed=", ".join(HEADS))
        if self.aggregation not in AGGREGATIONS:
            raise InputError("model.aggregation", received=self.aggregation, allowed=", ".join(AGGREGATIONS))
        if not self.layers:
            raise InputError("model.layers is empty", hint="name at least one layer, counted from 1")
        if self.head == "gap" and self.block_adapter is not None:
            raise InputError("model.block_adapter has no place under head: gap", hint="set it to null")


class FusionModel(nn.Module):
    """Backbone, prompts, adapters and similarity map in one module.

    Parameters
    ----------
    backbone : Backbone
        Frozen; with LoRA, its image tower is adapted in place, so it must not be shared.
    settings : ModelSettings
    seed : int
        Keys the initial weights of every part.
    """

    def __init__(self, backbone: Backbone, settings: ModelSettings, *, seed: int):
        super().__init__()
        self.settings = settings
        self.backbone = backbone.requires_grad_(False)
        self.prompts = Prompts(backbone, settings.prompt, seed=seed)
        self.temperature = Temperature(settings.temperature)
        self.alignment = self.block_adapters = None
        if settings.head == "map":
            channels = backbone.channels(settings.layers)
            self.alignment = AlignmentAdapters(channels, backbone.embed_dim, seed=seed)
            if settings.block_adapter is not None:
                self.block_adapters = BlockAdapters(channels, settings.block_adapter, seed=seed)
        if settings.lora is not None:
            add_lora(backbone, settings.lora, seed=seed)
        self.to(backbone.mean.device)

    @property
    def frozen_backbone(self) -> bool:
        """Whether the image tower computes what it did before training."""
        return self.settings.lora is None

    def components(self) -> dict[str, dict[str, nn.Parameter]]:
        """Trainable parameters by component: prompt, alignment, block_adapter, lora, temperature."""
        parts = {
            "prompt": dict(self.prompts.named_parameters(prefix="prompts")),
            "temperature": dict(self.temperature.named_parameters(prefix="temperature")),
        }
        if self.alignment is not None:
            parts["alignment"] = dict(self.alignment.named_parameters(prefix="alignment"))
        if self.block_adapters is not None:
            parts["block_adapter"] = dict(self.block_adapters.named_parameters(prefix="block_adapters"))
        if self.settings.lora is not None:
            parts["lora"] = {f"lora.{n}": p for n, p in lora_parameters(self.backbone).items()}
        return {name: parameters for name, parameters in parts.items() if parameters}

    def train(self, mode: bool = True):
        """Train mode for the parts that learn; the frozen backbone keeps its statistics and no dropout."""
        super().train(mode)
        self.backbone.eval()
        for name, module in self.backbone.named_modules():
            if "lora_dropout" in name:
                module.train(mode)
        return self

    def features(self, pixels: Tensor) -> list[Tensor]:
        """What the backbone says of (B, 3, H, W) pixels: feature maps, or one (B, D) vector for ``gap``."""
        if self.settings.head == "gap":
            return [self.backbone.gap_features(pixels)]
        return self.backbone.feature_maps(pixels, self.settings.layers)

    def text(self) -> Tensor:
        """Unit text embeddings (2, D)."""
        return self.prompts(self.backbone)

    def score_features(
        self, features: Sequence[Tensor], text: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None]:
        """Image scores (B,) and maps (B, H, W), or None, from what :meth:`features` gave.

        The image score is the map's maximum (section 3.5); for ``gap`` it is the anomaly probability.
        """
        tau = self.temperature()
        if self.settings.head == "gap":
            cosines = normalise(features[0]) @ text.T
            return (cosines / tau).softmax(dim=1)[:, 1], None
        if self.block_adapters is not None:
            features = self.block_adapters(features)
        maps = aggregate(
            self.alignment(features),
            text,
            tau=tau,
            size=size,
            aggregation=self.settings.aggregation,
            align_corners=self.settings.align_corners,
        )
        return maps.flatten(1).amax(dim=1), maps

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
        """Image scores (B,) and maps (B, H, W), or None, of (B, 3, H, W) pixels."""
        if self.frozen_backbone:
            with torch.no_grad():
                features = self.features(pixels)
        else:
            features = self.features(pixels)
        return self.score_features(features, self.text(), pixels.shape[-2:])
