"""Spatial transformers inside a convolutional network, and the heads of a Siamese registration (RegAD)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fusionmedclip.baselines.regad.sampling import sample_reflected
from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone, Layer

__all__ = ["RegistrationNetwork", "SiameseHeads", "SpatialTransformer", "inverse_affine", "warp"]


class SpatialTransformer(nn.Module):
    """Turns and scales a feature map by what it sees in it; starts as the identity.

    Parameters
    ----------
    channels : int
    grid : (int, int)
        Height and width of the maps.
    """

    def __init__(self, channels: int, grid: tuple[int, int]):
        super().__init__()
        self.localise = nn.Sequential(
            nn.Conv2d(channels, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(64, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Flatten(),
        )
        height, width = ((side + 3) // 4 for side in grid)  # two poolings, each rounding up
        first, last = nn.Linear(16 * height * width, 1024), nn.Linear(1024, 3)
        self.regress = nn.Sequential(first, nn.ReLU(), last)
        nn.init.zeros_(last.weight)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([0.0, 1.0, 1.0]))

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Warped maps (B, C, H, W), and the affine matrices (B, 2, 3)."""
        angle, across, down = self.regress(self.localise(maps)).unbind(dim=1)
        zero = torch.zeros_like(angle)
        # The scales act on the diagonal alone, as in the official `rotation_scale`.
        rows = [angle.cos() * across, -angle.sin(), zero, angle.sin(), angle.cos() * down, zero]
        theta = torch.stack(rows, dim=1).view(-1, 2, 3)
        return warp(maps, theta), theta


def warp(maps: Tensor, theta: Tensor) -> Tensor:
    """Sample (B, C, H, W) maps at affinely moved positions; outside is mirrored."""
    grid = F.affine_grid(theta, list(maps.shape), align_corners=False)
    return sample_reflected(maps, grid)


def inverse_affine(theta: Tensor) -> Tensor:
    """Inverse of (B, 2, 3) affine matrices."""
    last = torch.tensor([0.0, 0.0, 1.0], device=theta.device).expand(len(theta), 1, 3)
    return torch.linalg.inv(torch.cat([theta, last], dim=1))[:, :2]


class RegistrationNetwork(nn.Module):
    """A convolutional image tower with a spatial transformer after some stages.

    Parameters
    ----------
    tower : Backbone
        To be trained.
    layers : sequence of Layer
        Its stages, from fine to coarse.
    size : int
        Side of the images, pixels.
    normalise : bool
        Whether images get the tower's own normalisation.
    """

    def __init__(self, tower: Backbone, layers: Sequence[Layer], *, size: int, normalise: bool):
        super().__init__()
        names = [info["module"] for info in getattr(tower.trunk, "feature_info", [])]
        if tower.is_vit or not names:
            raise InputError("RegAD needs a convolutional backbone", received=type(tower.trunk).__name__)
        # Channels first, as the official code computes: what convolutions round otherwise, registration makes
        # a thousand times larger (5e-6 at the first stage is 7e-3 at the third).
        tower.visual.to(memory_format=torch.contiguous_format)
        self.tower = tower
        self.layers = list(layers)
        self.normalise = normalise
        self._modules_at = [names[tower.layer_index(layer)] for layer in layers]
        with torch.no_grad():
            blank = torch.zeros(1, 3, size, size, device=tower.mean.device)
            shapes = [m.shape[1:] for m in tower.eval().feature_maps(blank, self.layers)]
        self.channels = [int(shape[0]) for shape in shapes]
        self.transformers = nn.ModuleList(SpatialTransformer(int(c), (int(h), int(w))) for c, h, w in shapes)

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Warped maps (B, C_j, H_j, W_j) of each stage, and their affine matrices (B, 2, 3)."""
        pixels = self.tower.pixels(images) if self.normalise else images.unsqueeze(1).expand(-1, 3, -1, -1)
        with self._warping() as thetas:
            maps = self.tower.feature_maps(pixels, self.layers)
        return maps, thetas

    @contextmanager
    def _warping(self) -> Iterator[list[Tensor]]:
        """Put the transformers behind their stages, whatever network those belong to."""
        thetas: list[Tensor] = []

        def behind(transformer: nn.Module):
            def hook(_module, _inputs, output):
                warped, theta = transformer(output)
                thetas.append(theta)
                return warped

            return hook

        handles = [
            self.tower.trunk.get_submodule(name).register_forward_hook(behind(transformer))
            for name, transformer in zip(self._modules_at, self.transformers, strict=True)
        ]
        try:
            yield thetas
        finally:
            for handle in handles:
                handle.remove()

    def registered(self, images: Tensor) -> Tensor:
        """Maps of all stages brought back to where the image has them: (B, sum of C_j, H_1, W_1).

        A stage saw what all transformers before it had warped, so their inverses follow in turn.
        """
        maps, thetas = self(images)
        inverses = [inverse_affine(theta) for theta in thetas]
        back = []
        for stage, layer in enumerate(maps):
            for inverse in reversed(inverses[: stage + 1]):
                layer = warp(layer, inverse)
            back.append(F.interpolate(layer, size=maps[0].shape[-2:], mode="nearest"))
        return torch.cat(back, dim=1)


class SiameseHeads(nn.Module):
    """Encoder and predictor of 1x1 convolutions.

    Parameters
    ----------
    channels : int
        Of the last stage.
    """

    def __init__(self, channels: int):
        super().__init__()

        def conv() -> nn.Conv2d:
            return nn.Conv2d(channels, channels, 1, bias=False)

        def hidden() -> list[nn.Module]:
            return [conv(), nn.BatchNorm2d(channels), nn.ReLU()]

        self.encoder = nn.Sequential(*hidden(), *hidden(), conv())
        self.predictor = nn.Sequential(*hidden(), conv())

    def forward(self, query: Tensor, support: Tensor) -> Tensor:
        """Symmetric negative cosine of (B, C, H, W) maps, gradients stopped at the encodings: a scalar."""
        z1, z2 = self.encoder(query), self.encoder(support)
        p1, p2 = self.predictor(z1), self.predictor(z2)
        forth = F.cosine_similarity(p1, z2.detach(), dim=1).mean()
        back = F.cosine_similarity(p2, z1.detach(), dim=1).mean()
        return -(forth + back) / 2
