"""FusionMedCLIP, the whole model, whose parts the ablation switches on one by one (sections 3.2-3.3)."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.adaptation.adapters import AlignmentAdapters, BlockAdapters, normalise
from fusionmedclip.models.adaptation.in_stream import in_stream
from fusionmedclip.models.adaptation.lora import add_lora, lora_parameters, train_lora
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.prompts.context import Prompts
from fusionmedclip.models.settings import ModelSettings
from fusionmedclip.models.similarity import Temperature, aggregate

__all__ = ["FusionModel"]


class FusionModel(nn.Module):
    """Backbone, prompts, adapters and similarity map in one module.

    Parameters
    ----------
    backbone : Backbone
        Frozen; with LoRA, its image tower is adapted in place, so it must not be shared.
    settings : ModelSettings
    seed : int
        Keys the initial weights of every part.

    Raises
    ------
    InputError
        If the backbone has no text tower, lacks a layer, or was adapted by another model before.
    """

    alignment: AlignmentAdapters | None
    block_adapters: BlockAdapters | None

    def __init__(self, backbone: Backbone, settings: ModelSettings, *, seed: int):
        super().__init__()
        if lora_parameters(backbone):
            raise InputError(
                "this backbone was adapted in place by another model, which it still serves",
                hint="make or load the backbone again for each model with LoRA",
            )
        self.settings = settings
        self.backbone = backbone.requires_grad_(False)
        self.prompts = Prompts(backbone, settings.prompt, seed=seed)
        self.temperature = Temperature(settings.temperature)
        self.alignment = self.block_adapters = None
        if settings.head == "map":
            channels = backbone.channels(settings.layers)
            width = cast(int, backbone.embed_dim)  # the prompts have found a text tower
            self.alignment = AlignmentAdapters(channels, width, seed=seed)
            if settings.block_adapter is not None:
                self.block_adapters = BlockAdapters(channels, settings.block_adapter, seed=seed)
        if settings.lora is not None:
            add_lora(backbone, settings.lora, seed=seed)
        self.to(backbone.mean.device)

    @property
    def frozen_backbone(self) -> bool:
        """Whether the image tower computes what it did before training."""
        return self.settings.frozen_tower

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
        train_lora(self.backbone, mode)
        return self

    def features(self, pixels: Tensor) -> list[Tensor]:
        """What the backbone says of (B, 3, H, W) pixels: feature maps, or one (B, D) vector for ``gap``."""
        settings = self.settings
        if settings.head == "gap" and settings.gap_features == "final":
            return [self.backbone.gap_features(pixels)]
        if settings.block_adapter is not None and settings.block_adapter.placement == "stream":
            adapters = cast(BlockAdapters, self.block_adapters)
            with in_stream(self.backbone, settings.layers, adapters.refine):
                return self.backbone.feature_maps(pixels, settings.layers)
        return self.backbone.feature_maps(pixels, settings.layers)

    def text(self) -> Tensor:
        """Unit text embeddings (2, D)."""
        return self.prompts(self.backbone)

    def score_features(
        self, features: Sequence[Tensor], text: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None]:
        """Image scores (B,) and maps (B, H, W), or None, from what :meth:`features` gave.

        The image score is the map's maximum (section 3.5); for ``gap`` it is the anomaly probability. All of
        it is computed in float32, whatever the towers ran in: scores are ranked, and half precision would
        make ties of them.
        """
        with torch.autocast(text.device.type, enabled=False):
            wide = [f if f.dtype == torch.float64 else f.float() for f in features]
            return self._score(wide, text.to(wide[0].dtype), size)

    def _score(
        self, features: Sequence[Tensor], text: Tensor, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None]:
        tau = self.temperature()
        if self.settings.head == "gap":
            if self.settings.gap_features == "layers":
                features = [self.backbone.projected(f).mean(dim=(2, 3)) for f in features]
            cosines = torch.stack([normalise(f) @ text.T for f in features])
            return (cosines / tau).softmax(dim=2)[..., 1].mean(dim=0), None
        maps = aggregate(
            self.aligned(features),
            text,
            tau=tau,
            size=size,
            aggregation=self.settings.aggregation,
            align_corners=self.settings.align_corners,
        )
        return maps.flatten(1).amax(dim=1), maps

    def aligned(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Unit vectors (B, D, H_j, W_j) of each layer in the joint space, from what :meth:`features` gave."""
        placing = self.settings.block_adapter
        if self.block_adapters is not None and placing is not None and placing.placement == "side":
            features = self.block_adapters(features)
        return cast(AlignmentAdapters, self.alignment)(features)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
        """Image scores (B,) and maps (B, H, W), or None, of (B, 3, H, W) pixels."""
        if self.frozen_backbone:
            with torch.no_grad():
                features = self.features(pixels)
        else:
            features = self.features(pixels)
        height, width = pixels.shape[-2:]
        return self.score_features(features, self.text(), (height, width))
