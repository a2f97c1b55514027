"""Dropout where a CLIP tower has no site for it, by masks that belong to images and not to processes.

The tower itself stays in eval mode: all that is random happens here, through hooks, from masks drawn for the
whole batch. So a result depends on neither the number of processes nor micro-batches.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.randomness import generator

__all__ = ["Dropping", "Masks"]


@dataclass(frozen=True)
class Masks:
    """What is dropped in B images.

    Attributes
    ----------
    path : (B, S) float32 tensor or None
        Factor of each residual branch: 0, or 1 / (1 - rate).
    head : (B, C) float32 tensor or None
        Factor of each channel of the pooled feature: 0, or 1 / (1 - rate).
    tokens : (B, K) int64 tensor or None
        Patch tokens that stay, counted from 0, in order.
    """

    path: Tensor | None = None
    head: Tensor | None = None
    tokens: Tensor | None = None

    def rows(self, rows: slice, device: torch.device | str = "cpu") -> "Masks":
        """Masks of some of the images, on a device."""
        parts = (self.path, self.head, self.tokens)
        return Masks(*(None if part is None else part[rows].to(device) for part in parts))


class Dropping:
    """Hooks on an image tower that drop residual branches, pooled channels or tokens.

    Stochastic depth (Huang et al., 2016) with a rate that rises linearly from 0 at the first block; dropout
    of the pooled feature (Srivastava et al., 2014); token dropping (FLIP, Li et al., 2023).

    Parameters
    ----------
    backbone : Backbone
    rate : float
    form : str
        ``auto``, ``path``, ``head`` or ``none``.
    token_rate : float

    Attributes
    ----------
    form : str
        ``path``, ``head`` or ``none``: what ``auto`` came to.
    """

    def __init__(self, backbone: Backbone, *, rate: float, form: str, token_rate: float):
        sites = _branches(backbone) if rate and form in ("auto", "path") else []
        if rate and form == "path" and not sites:
            raise InputError(
                "this image tower has no residual branches to drop",
                received="pretrain.dropout_form: path",
                allowed="auto, head, none",
            )
        self.form = "none" if not rate or form == "none" else "path" if sites else "head"
        self.rate = rate
        self.current = Masks()
        self._handles = []
        self._rates = np.array([rate * depth for _, depth in sites])
        for number, (site, _) in enumerate(sites):
            self._handles.append(site.register_forward_hook(self._branch_hook(number)))
        self._channels = self._hook_head(backbone) if self.form == "head" else 0
        self._tokens, self._kept = self._hook_tokens(backbone, token_rate) if token_rate else (0, 0)

    def draw(self, batch: int, *purpose: int | str) -> Masks:
        """Masks of a whole batch, on the CPU."""
        path = head = tokens = None
        if self.form == "path":
            keep = generator(*purpose, "path").random((batch, len(self._rates))) >= self._rates
            path = torch.from_numpy((keep / (1 - self._rates)).astype(np.float32))
        if self.form == "head":
            keep = generator(*purpose, "head").random((batch, self._channels)) >= self.rate
            head = torch.from_numpy((keep / (1 - self.rate)).astype(np.float32))
        if self._tokens:
            order = generator(*purpose, "tokens").random((batch, self._tokens)).argsort(axis=1)
            tokens = torch.from_numpy(np.sort(order[:, : self._kept], axis=1))
        return Masks(path, head, tokens)

    @contextmanager
    def use(self, masks: Masks) -> Iterator[None]:
        """Drop by these masks inside the block, nothing outside it."""
        self.current = masks
        try:
            yield
        finally:
            self.current = Masks()

    def remove(self) -> None:
        """Take the hooks off the tower."""
        for handle in self._handles:
            handle.remove()

    def _branch_hook(self, number: int):
        def scale(_module, _inputs, output: Tensor) -> Tensor | None:
            if self.current.path is None:
                return None
            factor = self.current.path[:, number].to(output.dtype)
            return output * factor.view(-1, *[1] * (output.ndim - 1))

        return scale

    def _hook_head(self, backbone: Backbone) -> int:
        if backbone.is_vit:
            # Pooling is linear, so one mask for all tokens is dropout of the pooled feature.
            def scale_tokens(_module, _inputs, output: Tensor) -> Tensor | None:
                mask = self.current.head
                if mask is None:
                    return None
                return output * (mask if output.ndim == 2 else mask.unsqueeze(1)).to(output.dtype)

            norm = backbone.visual.ln_post
            self._handles.append(norm.register_forward_hook(scale_tokens))
            return int(norm.normalized_shape[0])

        def scale_input(_module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
            mask = self.current.head
            if mask is None:
                return None
            return (inputs[0] * mask.view(*mask.shape, *[1] * (inputs[0].ndim - 2)).to(inputs[0].dtype),)

        self._handles.append(backbone.visual.head.register_forward_pre_hook(scale_input))
        return _head_channels(backbone)

    def _hook_tokens(self, backbone: Backbone, rate: float) -> tuple[int, int]:
        if not backbone.is_vit:
            raise InputError(
                "pretrain.token_dropout needs a vision transformer of open_clip",
                received=rate,
                allowed="0 for this tower",
            )

        def select(_module, _inputs, output: Tensor) -> Tensor | None:
            kept = self.current.tokens
            if kept is None:
                return None
            index = (kept + 1).unsqueeze(-1).expand(-1, -1, output.shape[-1])
            return torch.cat([output[:, :1], output.gather(1, index)], dim=1)

        self._handles.append(backbone.visual.patch_dropout.register_forward_hook(select))
        rows, columns = backbone.visual.grid_size
        return rows * columns, max(1, round(rows * columns * (1 - rate)))


def _branches(backbone: Backbone) -> list[tuple[nn.Module, float]]:
    """Modules that each residual branch of the tower ends in, with the block's relative depth, 0 to 1."""
    if backbone.is_vit:
        blocks = backbone.visual.transformer.resblocks
        last = max(1, len(blocks) - 1)
        return [(site, i / last) for i, block in enumerate(blocks) for site in (block.ls_1, block.ls_2)]
    # timm's blocks carry an identity of this name where they were made without stochastic depth.
    named = [(name, module) for name, module in backbone.trunk.named_modules() if "drop_path" in name]
    parents = list(dict.fromkeys(name.rpartition(".")[0] for name, _ in named))
    last = max(1, len(parents) - 1)
    return [(module, parents.index(name.rpartition(".")[0]) / last) for name, module in named]


def _head_channels(backbone: Backbone) -> int:
    seen: list[int] = []
    handle = backbone.visual.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    with torch.no_grad():
        backbone.visual(torch.zeros(1, 3, *backbone.visual.image_size, device=backbone.mean.device))
    handle.remove()
    return seen[0]
