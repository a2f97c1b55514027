"""Backbones: feature maps at named layers, a projected image embedding, and a text tower.

A backbone is any open_clip model (ViT or timm tower) or, for baselines that need no text, any timm network.
All of them take grey images in [0, 1] and give the same three things, so no method asks which one it has.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.settings import PRECISIONS, Layer

__all__ = ["Backbone", "Network"]

Network: TypeAlias = Any
"""An ``nn.Module`` of open_clip or timm: what more it has, these libraries do not say in types."""


class Backbone(nn.Module):
    """A frozen or finetuned image tower with, where it has one, a text tower.

    Parameters
    ----------
    visual : nn.Module
        An image tower with open_clip's or timm's ``forward_intermediates``.
    mean, std : sequence of 3 floats
        Normalisation of images in [0, 1].
    clip : nn.Module, optional
        The open_clip model that ``visual`` belongs to.
    tokenizer : callable, optional
        Strings to token ids (P, L).

    Attributes
    ----------
    embed_dim : int or None
        Size of the joint embedding; None without a text tower.
    source : str
        Folder that it was loaded from; only a workflow's run notes it.
    """

    visual: Network
    clip_model: Network
    mean: Tensor
    std: Tensor
    source: str

    def __init__(
        self,
        visual: Network,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        clip: Network | None = None,
        tokenizer: Callable[..., Any] | None = None,
    ):
        super().__init__()
        layered = hasattr(visual, "transformer") or hasattr(getattr(visual, "trunk", visual), "feature_info")
        if not layered or not hasattr(visual, "forward_intermediates"):
            raise InputError(
                "this image tower gives no feature maps at named layers",
                received=type(visual).__name__,
                allowed="open_clip's vision transformers and timm towers, timm's networks",
            )
        self.visual = _channels_last(visual)
        self.clip_model = clip
        self.tokenizer: Any = tokenizer
        self.register_buffer("mean", torch.tensor(list(mean)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(list(std)).view(1, 3, 1, 1), persistent=False)
        self.embed_dim: int | None = None if clip is None else int(_embedding_size(clip))

    def __deepcopy__(self, memo: dict[int, Any]) -> "Backbone":
        """Towers of its own; the tokenizer, whose tables nobody changes, is shared: a second less."""
        memo[id(self.tokenizer)] = self.tokenizer
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__setstate__(deepcopy(self.__dict__, memo))
        return made

    @property
    def trunk(self) -> Network:
        """The network that holds the layers: the ViT itself, or the timm network inside its adapter."""
        return getattr(self.visual, "trunk", self.visual)

    @property
    def is_vit(self) -> bool:
        """Whether the image tower is open_clip's own vision transformer."""
        return hasattr(self.visual, "transformer")

    def depth(self) -> int:
        """Count of blocks (ViT) or stages (timm) that layers may name."""
        if self.is_vit:
            return len(self.visual.transformer.resblocks)
        return len(list(self.trunk.feature_info))

    def pixels(self, images: np.ndarray | Tensor) -> Tensor:
        """Images (B, H, W) or (B, H, W, 3) in [0, 1] to the tower's normalised input (B, 3, H, W)."""
        values = torch.as_tensor(images, dtype=torch.float32, device=self.mean.device)
        channels = values.unsqueeze(1) if values.ndim == 3 else values.permute(0, 3, 1, 2)
        return (channels - self.mean) / self.std

    def feature_maps(self, pixels: Tensor, layers: Sequence[Layer]) -> list[Tensor]:
        """Raw outputs of some layers, class token dropped, no final norm.

        Parameters
        ----------
        pixels : (B, 3, H, W) tensor
            From :meth:`pixels`.
        layers : sequence of Layer
            Numbers counted from 1, or timm module names, in any order.

        Returns
        -------
        list of (B, C_j, H_j, W_j) tensors
            One for each layer, in the order asked (thesis section 3.2.2).
        """
        indices = [self.layer_index(layer) for layer in layers]
        wanted = sorted(set(indices))
        arguments = {"indices": wanted, "stop_early": True, "intermediates_only": True}
        output = self.visual.forward_intermediates(pixels, output_fmt="NCHW", **arguments)
        maps = output["image_intermediates"] if isinstance(output, dict) else output
        by_index = dict(zip(wanted, maps, strict=True))
        return [by_index[index] for index in indices]

    def layer_index(self, layer: Layer) -> int:
        """Index, counted from 0, of a layer named from outside."""
        depth = self.depth()
        if isinstance(layer, str):
            names = [info["module"] for info in getattr(self.trunk, "feature_info", [])]
            if layer in names:
                return names.index(layer)
            raise InputError("no such layer in the image tower", received=layer, allowed=", ".join(names))
        if not 1 <= layer <= depth:
            raise InputError(
                "no such layer in the image tower", received=layer, allowed=f"1 to {depth}, counted from 1"
            )
        return layer - 1

    def layer_module(self, layer: Layer) -> nn.Module:
        """The module whose output is a layer's: a transformer's block, a stage of a convolutional tower."""
        index = self.layer_index(layer)
        if self.is_vit:
            return self.visual.transformer.resblocks[index]
        return self.trunk.get_submodule(list(self.trunk.feature_info)[index]["module"])

    def channels(self, layers: Sequence[Layer]) -> list[int]:
        """Channels C_j of each layer."""
        indices = [self.layer_index(layer) for layer in layers]
        if self.is_vit:
            return [int(self.visual.conv1.out_channels)] * len(indices)
        stages = list(self.trunk.feature_info)
        return [int(stages[index]["num_chs"]) for index in indices]

    def gap_features(self, pixels: Tensor) -> Tensor:
        """Mean over positions of the projected final patch tokens.

        Final patch tokens -> final norm -> projection -> mean over positions: rows 1-4 of Table 8
        ("global average pooling over the spatial dimensions of the extracted ViT features").

        Parameters
        ----------
        pixels : (B, 3, H, W) tensor

        Returns
        -------
        (B, D) tensor
            Not normalised.
        """
        if self.embed_dim is None:
            raise InputError(
                "global average pooling against text needs a text tower", hint="take a CLIP backbone"
            )
        return self.patch_embeddings(pixels).mean(dim=(2, 3))

    def maps_and_gap(self, pixels: Tensor, layers: Sequence[Layer]) -> tuple[list[Tensor], Tensor]:
        """What :meth:`feature_maps` and :meth:`gap_features` give, from one pass of a vision transformer.

        Other towers pass twice: their last stage is not what their head reads.
        """
        if not self.is_vit:
            return self.feature_maps(pixels, layers), self.gap_features(pixels)
        *maps, final = self.feature_maps(pixels, [*layers, self.depth()])
        return maps, self.projected(final).mean(dim=(2, 3))

    def patch_embeddings(self, pixels: Tensor) -> Tensor:
        """Final patch tokens after the final norm and the projection: (B, D, h, w)."""
        if self.is_vit:
            return self.projected(self._final_tokens(pixels))
        return self._timm_patch_embeddings(pixels)

    def projected(self, maps: Tensor) -> Tensor:
        """Raw maps (B, C, h, w) of any block of a ViT through its final norm and projection: (B, D, h, w).

        Raises
        ------
        InputError
            For other towers, whose stages differ in width.
        """
        if not self.is_vit:
            raise InputError(
                "only a vision transformer's blocks all fit its final norm and projection",
                received=type(self.trunk).__name__,
                hint="set model.gap_features: final",
            )
        tokens = self.visual.ln_post(maps.permute(0, 2, 3, 1))
        projected = tokens @ self.visual.proj if self.visual.proj is not None else tokens
        return projected.permute(0, 3, 1, 2)

    def normed(self, maps: Tensor) -> Tensor:
        """Raw maps (B, C, h, w) of any block of a transformer through the tower's last norm.

        Raises
        ------
        InputError
            For other towers, which have none.
        """
        norm = self.visual.ln_post if self.is_vit else getattr(self.trunk, "norm", None)
        if not isinstance(norm, nn.LayerNorm):
            raise InputError(
                "this image tower has no last norm",
                received=type(self.trunk).__name__,
                allowed="vision transformers of open_clip and of timm",
                hint="set final_norm: false",
            )
        return norm(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def _final_tokens(self, pixels: Tensor) -> Tensor:
        return self.feature_maps(pixels, [self.depth()])[0]

    def _timm_patch_embeddings(self, pixels: Tensor) -> Tensor:
        features = self.trunk.forward_features(pixels)
        if features.ndim == 4:
            if getattr(self.trunk, "output_fmt", "NCHW") == "NHWC":
                features = features.permute(0, 3, 1, 2)
            batch, channels, height, width = features.shape
            flat = features.permute(0, 2, 3, 1).reshape(batch * height * width, channels, 1, 1)
            pooled = self.trunk.forward_head(flat, pre_logits=True)
        else:
            tokens = features[:, self.trunk.num_prefix_tokens :]
            batch, count, _ = tokens.shape
            height = width = round(count**0.5)
            pooled = self.trunk.fc_norm(tokens).flatten(0, 1)
        projected = self.visual.head(pooled)
        return projected.reshape(batch, height, width, projected.shape[-1]).permute(0, 3, 1, 2)

    def autocast(self, precision: str) -> AbstractContextManager[Any]:
        """Context that turns the tower's products into bfloat16's where that is the precision.

        ``float32`` and ``tf32`` are settled by :func:`fusionmedclip.models.arithmetic.arithmetic`.
        """
        if precision not in PRECISIONS:
            raise InputError("no such precision", received=precision, allowed=", ".join(PRECISIONS))
        if precision != "bfloat16":
            return nullcontext()
        return torch.autocast(self.mean.device.type, dtype=torch.bfloat16)


def _channels_last(visual: Network) -> Network:
    """Weights of a convolutional tower as its kernels are fastest with; its maps come out alike.

    A transformer has one convolution, which cuts patches, and is left as it is.
    """
    kernels = sum(isinstance(module, nn.Conv2d) for module in visual.modules())
    return visual.to(memory_format=torch.channels_last) if kernels > 1 else visual


def _embedding_size(clip: Network) -> int:
    text: Network = getattr(clip, "text", clip)
    projection = getattr(text, "text_projection", None)
    if projection is not None:
        return projection.out_features if isinstance(projection, nn.Linear) else projection.shape[1]
    if getattr(text, "proj", None) is not None:
        last = [m for m in text.proj.modules() if isinstance(m, nn.Linear)][-1]
        return last.out_features
    return text.output_dim
