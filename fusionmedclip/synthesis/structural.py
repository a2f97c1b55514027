"""Structural anomalies: a patch of a support image, pasted (CutPaste) or blended in (Poisson, Eq. 12)."""

import cv2
import numpy as np

from fusionmedclip.synthesis.edits import Edit, Scene
from fusionmedclip.synthesis.masks import Box, perlin_mask, place_box
from fusionmedclip.synthesis.poisson import guidance_divergence, solve_poisson
from fusionmedclip.synthesis.ranges import CutPasteSettings, PoissonSettings

__all__ = ["cutpaste", "poisson", "source_patch"]

FLAT = 0.02
"""Standard deviations are taken to be at least this (five grey levels): flat tissue still gets a lesion."""


def source_patch(
    scene: Scene,
    box: Box,
    *,
    rng: np.random.Generator,
    settings: CutPasteSettings | PoissonSettings | None = None,
    depth: float = 0.0,
) -> np.ndarray:
    """Patch of a random support image, of the box's size, rotated and scaled where settings say so.

    Parameters
    ----------
    scene : Scene
    box : Box
        Only its size matters.
    rng : numpy.random.Generator
    settings : CutPasteSettings or PoissonSettings, optional
        Ranges of rotation and scale; without them the patch is cut out as it is.
    depth : float
        Of the patch's centre, as in `Anatomy.random_pixel`.

    Returns
    -------
    (box.height, box.width) float32 array
        In [0, 1]; what lies beyond the support image is mirrored at its border.
    """
    pick = int(rng.integers(len(scene.support)))
    row, column = scene.anatomies[pick].random_pixel(rng, depth=depth)
    angle, scale = 0.0, 1.0
    if settings is not None:
        angle = np.deg2rad(rng.uniform(*settings.rotation))
        scale = (1 + rng.exponential(settings.resize_mean)) ** (1 if rng.random() < 0.5 else -1)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    matrix[:, 2] = (column, row) - matrix[:, :2] @ [box.width // 2, box.height // 2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        scene.support[pick], matrix, (box.width, box.height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )


def cutpaste(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """CutPaste (Li et al. 2021, thesis [9]): a patch of a support image inside a Perlin mask."""
    settings = scene.settings.cutpaste
    box, _ = place_box(settings.side, anatomy=scene.anatomy, rng=rng, whole=scene.whole)
    region = perlin_mask(box, rng=rng, settings=scene.settings.perlin)
    return Edit(box, source_patch(scene, box, rng=rng, settings=settings), region)


def poisson(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Enhanced structural synthesis: CutPaste's patch, blended in the gradient domain (Eq. 12).

    Only the interior is solved; its boundary values are the target's.
    """
    settings = scene.poisson
    box, _ = place_box(settings.side, anatomy=scene.anatomy, rng=rng, depth=settings.depth, whole=scene.whole)
    drawn = perlin_mask(box, rng=rng, settings=scene.settings.perlin)
    region = scene.on_anatomy(drawn, box)
    region[[0, -1]] = region[:, [0, -1]] = False
    target = scene.image[box.window]
    if not scene.enough(region, drawn):
        return Edit(box, target, drawn)
    patch = source_patch(scene, box, rng=rng, settings=settings, depth=settings.depth)
    spread = float(np.std(patch[region])), float(np.std(target[region]))
    patch *= np.float32(min(1.0, settings.contrast_limit * max(spread[1], FLAT) / max(spread[0], FLAT)))
    mixed = rng.random() < settings.mixed_probability
    divergence = guidance_divergence(patch, target=target, mixed=mixed)
    return Edit(box, solve_poisson(target, divergence=divergence, mask=region), region)
