"""The U-Net that predicts the noise (Dhariwal and Nichol, NeurIPS 2021, as AnoDDPM uses it)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["DiffusionUNet"]


class _Residual(nn.Module):
    """Two 3x3 convolutions with the step's embedding added between; may halve or double the size."""

    def __init__(self, before: int, after: int, *, time: int, groups: int, resize: float = 1):
        super().__init__()
        self.resize = resize
        self.norm_in = nn.GroupNorm(groups, before)
        self.conv_in = nn.Conv2d(before, after, 3, padding=1)
        self.time = nn.Linear(time, after)
        self.norm_out = nn.GroupNorm(groups, after)
        self.conv_out = _zero(nn.Conv2d(after, after, 3, padding=1))
        self.skip = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv_in(self._resized(F.silu(self.norm_in(x))))
        h = h + self.time(F.silu(time))[:, :, None, None]
        h = self.conv_out(F.silu(self.norm_out(h)))
        return self.skip(self._resized(x)) + h

    def _resized(self, x: Tensor) -> Tensor:
        if self.resize < 1:
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest") if self.resize > 1 else x


class _Attention(nn.Module):
    """Self-attention of all positions, residual."""

    def __init__(self, channels: int, *, heads: int, groups: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.out = _zero(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor, _time: Tensor) -> Tensor:
        batch, channels = x.shape[:2]
        flat = x.flatten(2)
        by_head = self.qkv(self.norm(flat)).view(batch, self.heads, 3 * channels // self.heads, -1)
        query, key, value = by_head.transpose(2, 3).chunk(3, dim=3)
        attended = F.scaled_dot_product_attention(query, key, value)
        return (flat + self.out(attended.transpose(2, 3).reshape(flat.shape))).view_as(x)


class _Steps(nn.ModuleList):
    """Modules in a row that all take the step's embedding."""

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        for module in self:
            x = module(x, time)
        return x


class _Enter(nn.Conv2d):
    def forward(self, x: Tensor, _time: Tensor | None = None) -> Tensor:
        return super().forward(x)


class DiffusionUNet(nn.Module):
    """Noise in an image, given how many steps it is into the noise.

    Parameters
    ----------
    channels : tuple of int
        Of the levels; each level halves the size of the one before.
    attention : tuple of bool
        Levels with self-attention; the middle always has it.
    blocks : int
        Residual blocks a level, one more on the way up.
    heads, groups : int
        Of the attention and of the group normalisation.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        attention: tuple[bool, ...],
        *,
        blocks: int = 2,
        heads: int = 2,
        groups: int = 32,
    ):
        super().__init__()
        base = channels[0]
        self.base = base
        self.time = nn.Sequential(nn.Linear(base, 4 * base), nn.SiLU(), nn.Linear(4 * base, 4 * base))

        def residual(before: int, after: int, resize: float = 1) -> _Residual:
            return _Residual(before, after, time=4 * base, groups=groups, resize=resize)

        def level(before: int, after: int, number: int) -> list[nn.Module]:
            made: list[nn.Module] = [residual(before, after)]
            return made + ([_Attention(after, heads=heads, groups=groups)] if attention[number] else [])

        self.down = nn.ModuleList([_Steps([_Enter(1, base, 3, padding=1)])])
        skips, width = [base], base
        for number, after in enumerate(channels):
            for _ in range(blocks):
                self.down.append(_Steps(level(width, after, number)))
                width = after
                skips.append(width)
            if number < len(channels) - 1:
                self.down.append(_Steps([residual(width, width, 0.5)]))
                skips.append(width)
        middle = _Attention(width, heads=heads, groups=groups)
        self.middle = _Steps([residual(width, width), middle, residual(width, width)])
        self.up = nn.ModuleList()
        for number, after in reversed(list(enumerate(channels))):
            for block in range(blocks + 1):
                steps = level(width + skips.pop(), after, number)
                width = after
                if number and block == blocks:
                    steps.append(residual(width, width, 2))
                self.up.append(_Steps(steps))
        self.out = nn.Sequential(
            nn.GroupNorm(groups, width), nn.SiLU(), _zero(nn.Conv2d(width, 1, 3, padding=1))
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Noise (B, 1, S, S) in x (B, 1, S, S) at steps t (B,)."""
        time = self.time(_sinusoids(t, self.base))
        skips = []
        for steps in self.down:
            x = steps(x, time)
            skips.append(x)
        x = self.middle(x, time)
        for steps in self.up:
            x = steps(torch.cat([x, skips.pop()], dim=1), time)
        return self.out(x)


def _sinusoids(t: Tensor, dim: int) -> Tensor:
    """Sines, then cosines, of the step at frequencies from 1 down to 1/10,000: (B, dim)."""
    half = dim // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    angles = t.float()[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _zero(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module
