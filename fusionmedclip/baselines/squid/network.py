"""SQUID's generator (encoder, in-painting bottleneck, student and teacher decoders) and discriminator."""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.squid.memory import (
    DecoderMemory,
    MemoryQueue,
    from_quadrants,
    mixed,
    to_quadrants,
)
from fusionmedclip.baselines.squid.settings import SQUIDSettings

__all__ = ["Discriminator", "Generated", "Generator"]

LEVELS = 4
SKIPPED = 2
"""Decoder levels, from the deepest, that see the encoder's maps; from there on patches are whole again."""


class Generated(NamedTuple):
    """What the generator makes of (B, 1, S, S) images.

    Attributes
    ----------
    student, teacher : (B, 1, S, S) tensor
        Reconstructions in [0, 1].
    distance : scalar tensor
        Between the two decoders' maps, summed over levels.
    """

    student: Tensor
    teacher: Tensor
    distance: Tensor


class _Block(nn.Module):
    """Three 3x3 convolutions with batch normalisation, residual over the last two."""

    def __init__(self, before: int, after: int, *, stride: int = 1):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=stride, padding=1), nn.BatchNorm2d(after), nn.ReLU()
        )
        self.rest = nn.Sequential(
            nn.Conv2d(after, after, 3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1),
            nn.BatchNorm2d(after),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return F.relu(self.rest(x) + x)


class _InPainting(nn.Module):
    """Each patch's bottleneck feature, replaced by memory and attention to the patches around it."""

    bits: Tensor

    def __init__(self, channels: int, side: int, settings: SQUIDSettings):
        super().__init__()
        narrow = channels // 4
        dim = narrow * side**2
        self.mask_ratio = settings.mask_ratio
        self.narrow = nn.Sequential(
            nn.Conv2d(channels, narrow, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU()
        )
        self.queues = nn.ModuleList(
            MemoryQueue(settings.queue_slots, dim, kept=settings.kept) for _ in range(4)
        )
        self.attention = nn.MultiheadAttention(dim, settings.heads)
        self.norms = nn.ModuleList([nn.LayerNorm(dim), nn.LayerNorm(dim)])
        self.feed = nn.Sequential(nn.Linear(dim, dim // 4), nn.ReLU(), nn.Linear(dim // 4, dim))
        self.widen = nn.Sequential(nn.Conv2d(narrow + 3, channels, 1), nn.BatchNorm2d(channels), nn.ReLU())
        # The number of a patch in binary tells the widening layer where it is.
        number = torch.arange(4)
        bits = torch.stack([(number // place) % 2 for place in (4, 2, 1)], dim=1).float()
        self.register_buffer("bits", bits.view(4, 3, 1, 1), persistent=False)
        self.latest: Tensor | None = None

    def forward(self, maps: Tensor) -> Tensor:
        narrow = self.narrow(maps)
        queries = narrow.flatten(1).unflatten(0, (-1, 4))
        self.latest = queries.detach()
        read = torch.stack([queue(queries[:, i]) for i, queue in enumerate(self.queues)], dim=1)
        around = _neighbours(read)
        rows = read.flatten(0, 1)
        attended, _ = self.attention(queries.flatten(0, 1)[None], around, around, need_weights=False)
        rows = F.relu(self.norms[0](attended[0]) + rows)
        rows = F.relu(self.norms[1](self.feed(rows)) + rows)
        place = self.bits.repeat(len(queries), 1, *narrow.shape[2:])
        painted = self.widen(torch.cat([rows.view_as(narrow), place], dim=1))
        return mixed(painted, maps, self.mask_ratio) if self.training else painted

    def remember(self) -> None:
        """Push what the last pass saw into the queues."""
        seen = cast(Tensor, self.latest)
        for i, queue in enumerate(self.queues):
            cast(MemoryQueue, queue).push(seen[:, i])


def _neighbours(read: Tensor) -> Tensor:
    """The 8 positions around each of 2 x 2 patches, zeros outside: (B, 4, D) to (8, 4 B, D)."""
    batch, _, dim = read.shape
    grid = read.transpose(1, 2).reshape(batch, dim, 2, 2)
    windows = F.unfold(grid, 3, padding=1).view(batch, dim, 9, 4)
    around = torch.cat([windows[:, :, :4], windows[:, :, 5:]], dim=2)
    return around.permute(2, 0, 3, 1).reshape(8, 4 * batch, dim)


class _Decoder(nn.Module):
    """Four levels up; the first two with the encoder's maps beside, the last two on the whole image."""

    def __init__(self, widths: list[int]):
        super().__init__()
        self.blocks = nn.ModuleList()
        for level in range(LEVELS):
            deep, shallow = widths[LEVELS - level], widths[LEVELS - level - 1]
            self.blocks.append(_Block(deep + shallow if level < SKIPPED else deep, shallow))
        self.out = nn.Conv2d(widths[0], 1, 1)

    def level(self, number: int, maps: Tensor, skip: Tensor) -> Tensor:
        if number == SKIPPED:
            maps = from_quadrants(maps)
        larger = F.interpolate(maps, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.blocks[number](torch.cat([skip, larger], dim=1) if number < SKIPPED else larger)


class Generator(nn.Module):
    """Reconstructs images from memories of normal ones.

    Parameters
    ----------
    settings : SQUIDSettings
    """

    def __init__(self, settings: SQUIDSettings):
        super().__init__()
        widths = [settings.width * 2**level for level in range(LEVELS + 1)]
        patch = settings.image_size // 2
        self.enter = _Block(1, widths[0])
        self.down = nn.ModuleList(_Block(widths[i], widths[i + 1], stride=2) for i in range(LEVELS))
        self.painting = _InPainting(widths[-1], patch // 2**LEVELS, settings)
        self.student = _Decoder(widths)
        self.teacher = _Decoder(widths)
        self.memories = nn.ModuleList(
            DecoderMemory(
                settings.matrix_slots,
                channels=widths[LEVELS - 1 - level],
                side=patch // 2 ** (LEVELS - 1 - level),
                kept=settings.kept,
                mask_ratio=settings.mask_ratio,
            )
            for level in range(SKIPPED)
        )

    def forward(self, images: Tensor) -> Generated:
        """Reconstruct (B, 1, S, S) images in [0, 1]."""
        maps = self.enter(to_quadrants(images))
        skips = []
        for level, block in enumerate(self.down):
            skips.append(from_quadrants(maps) if level < LEVELS - SKIPPED else maps)
            maps = block(maps)
        student, teacher = self.painting(maps), maps.detach()
        distances = []
        for level in range(LEVELS):
            skip = skips[-1 - level]
            student = self.student.level(level, student, skip)
            if level < SKIPPED:
                student = self.memories[level](student)
            teacher = self.teacher.level(level, teacher, skip.detach())
            distances.append(F.mse_loss(student, teacher))
        return Generated(
            self.student.out(student).sigmoid(),
            self.teacher.out(teacher).sigmoid(),
            torch.stack(distances).sum(),
        )


class Discriminator(nn.Module):
    """Five strided convolutions and a linear layer; logit of being a real normal image.

    Parameters
    ----------
    side : int
        Of the images, pixels.
    """

    def __init__(self, side: int):
        super().__init__()
        widths = [1, 16, 32, 64, 128, 128]
        layers: list[nn.Module] = []
        for i in range(5):
            layers.append(nn.Conv2d(widths[i], widths[i + 1], 5, stride=2, padding=2))
            if i > 0:
                layers.append(nn.BatchNorm2d(widths[i + 1]))
            layers.append(nn.LeakyReLU(0.2))
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(128 * (side // 32) ** 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B,) logits of (B, 1, S, S) images."""
        return self.head(self.body(images).flatten(1)).squeeze(1)

    def alone(self, images: Tensor) -> Tensor:
        """(B,) logits, each with batch statistics of its image alone, as the official code tests."""
        for layer in self.body:
            if isinstance(layer, nn.BatchNorm2d):
                images = F.instance_norm(images, weight=layer.weight, bias=layer.bias, eps=layer.eps)
            else:
                images = layer(images)
        return self.head(images.flatten(1)).squeeze(1)
