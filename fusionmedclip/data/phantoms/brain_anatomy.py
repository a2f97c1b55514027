"""A healthy axial slice of a head: scalp, skull, fluid, cortex, white matter, deep nuclei, ventricles.

Signal levels are typical relative intensities (dark fluid on T1 and FLAIR, bright on T2; white matter
brighter than grey on T1 only).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fusionmedclip.data.phantoms.fields import (
    capsule,
    ellipse,
    plane,
    ramp,
    resampled_noise,
    smooth_noise,
    turned,
    uniform,
)
from fusionmedclip.data.phantoms.settings import Settings

__all__ = ["SEQUENCES", "Sequence", "Slice", "add_spots", "head_coordinates", "healthy_brain"]

Array = np.ndarray


@dataclass(frozen=True)
class Sequence:
    """Relative signal of each tissue and lesion, 0-1; ``spots`` are small benign foci."""

    name: str
    marrow: float
    csf: float
    grey: float
    white: float
    tumour: tuple[float, float]
    oedema: float
    core: float
    spots: float


SEQUENCES = (
    Sequence("T1-weighted", 0.55, 0.13, 0.38, 0.60, (0.22, 0.36), 0.40, 0.18, 0.3),
    Sequence("contrast-enhanced T1-weighted", 0.50, 0.13, 0.37, 0.53, (0.72, 0.98), 0.36, 0.16, 1.0),
    Sequence("T2-weighted", 0.35, 0.95, 0.58, 0.36, (0.62, 0.92), 0.80, 0.97, 1.0),
    Sequence("FLAIR", 0.30, 0.08, 0.54, 0.40, (0.64, 0.92), 0.76, 0.30, 1.0),
)


@dataclass(frozen=True)
class Slice:
    """What a slice shows: its sequence, how wide its fluid spaces are (0-1), above the ventricles or not."""

    sequence: Sequence
    atrophy: float
    high: bool


def head_coordinates(rng: np.random.Generator, size: int, settings: Settings) -> tuple[Array, Array]:
    """Head coordinates: the scalp is about the unit circle, front at negative v."""
    x, y = plane(size)
    x, y = turned(x - uniform(rng, -0.07, 0.07), y - uniform(rng, -0.07, 0.07), uniform(rng, -14, 14))
    half = 0.74 + 0.24 * settings.zoom
    width = half * (0.76 + 0.15 * settings.build)
    u, v = x / np.float32(width), y / np.float32(half)
    u = u * (1 + np.float32(uniform(rng, -0.02, 0.1)) * (0.2 - v))
    wobble = np.float32(0.018)
    return u + wobble * smooth_noise(rng, size, 5), v + wobble * smooth_noise(rng, size, 5)


def healthy_brain(rng: np.random.Generator, u: Array, v: Array, shown: Slice) -> tuple[Array, Array, Array]:
    """A healthy slice.

    Parameters
    ----------
    rng : numpy.random.Generator
    u, v : (H, W) float32
        Head coordinates.
    shown : Slice

    Returns
    -------
    signal : (H, W) float32
        Relative signal, nominally 0-1.
    depth : (H, W) float32
        Inside the brain: 0 at its surface, 1 at the middle; negative outside.
    fluid : (H, W) float32
        Fraction of cerebrospinal fluid.
    """
    sequence = shown.sequence
    scalp, bone, gap = uniform(rng, 0.03, 0.08), uniform(rng, 0.045, 0.08), uniform(rng, 0.008, 0.03)
    edge = scalp + bone
    power = uniform(rng, 2.05, 2.5)
    depth = 1 - cv2.pow(cv2.pow(np.abs(u), power) + cv2.pow(np.abs(v), power), 1 / power)
    fat, marrow = uniform(rng, 0.55, 1.25), sequence.marrow * uniform(rng, 0.2, 0.9)
    layers = (
        (-0.012, 0.0),
        (0.006, fat),
        (scalp - 0.008, 0.8 * fat),
        (scalp + 0.008, 0.03),
        (scalp + 0.4 * bone, marrow),
        (scalp + 0.7 * bone, 0.03),
        (edge, 0.03),
        (edge + 0.01, sequence.csf),
    )
    at, level = zip(*layers, strict=True)
    shell = np.interp(depth, at, level).astype(np.float32)
    q = (depth - np.float32(edge + gap)) / np.float32(1 - edge - gap)

    fluid, cortex = _cortex(rng, u, v, q, shown.atrophy)
    nuclei, inner = _deep(rng, u, v, shown)
    grey = np.maximum(cortex, nuclei)
    fluid = np.maximum(fluid, inner)
    tissue = sequence.white + (sequence.grey - sequence.white) * grey
    inside = ramp(-q - 0.01, 0.02)
    signal = tissue + (sequence.csf - tissue) * fluid
    return shell + (signal - shell) * inside, q, fluid


def _cortex(rng: np.random.Generator, u: Array, v: Array, q: Array, atrophy: float) -> tuple[Array, Array]:
    """Fluid in sulci and the grey ribbon that lines them.

    Sulci run where a field that varies mostly around the head crosses zero: winding, mostly radial lines.
    """
    size = u.shape[0]
    turn = np.arctan2(u, v) * np.float32(1 / (2 * np.pi)) + np.float32(0.012) * smooth_noise(rng, size, 14)
    inward = np.clip(q, -0.1, 1.1) * np.float32(0.5)
    fine = resampled_noise(rng, turn, inward, (5, 62))
    folds = np.abs(resampled_noise(rng, turn, inward, (9, 30)) + 0.5 * fine)
    reach = np.float32(0.34 + 0.1 * atrophy) * (1 + 0.35 * smooth_noise(rng, size, 7))
    fading = np.clip(1 - q / np.maximum(reach, 0.12), 0, 1)
    width = (0.06 + 0.2 * atrophy) * fading
    sulci = ramp(folds - width, 0.2) * np.clip(fading * 4, 0, 1)
    ribbon = np.minimum(folds - width - 0.42 * np.sqrt(fading), (q - 0.055) * 8)
    return np.maximum(sulci, ramp(q, 0.03)), ramp(ribbon, 0.22) * np.clip(fading * 5, 0, 1)


def _deep(rng: np.random.Generator, u: Array, v: Array, shown: Slice) -> tuple[Array, Array]:
    """Deep grey nuclei, and fluid of ventricles, midline and Sylvian fissures."""
    side = np.abs(u - np.float32(uniform(rng, -0.015, 0.015)))
    front, back = (0.02, 0.02) if shown.high else (0.40, 0.44)
    start = np.where(v < 0, np.float32(front), np.float32(back))
    midline = np.maximum(side - uniform(rng, 0.004, 0.014), start - np.abs(v))
    fluid = ramp(midline, 0.022)
    if shown.high:
        return np.zeros_like(u), fluid
    atrophy = shown.atrophy
    r = 0.022 * (uniform(rng, 0.5, 1.0) + 1.1 * atrophy)
    uneven = side * np.where(u < 0, np.float32(1 + uniform(rng, -0.12, 0.12)), np.float32(1))
    bend = uneven + np.float32(0.012) * smooth_noise(rng, u.shape[0], 8)
    parts = (
        capsule(bend, v, (0.13 + r, -0.36), (0.035 + r, -0.16), (0.8 * r, 1.7 * r)),
        capsule(bend, v, (0.035 + r, -0.16), (0.06 + r, 0.06), (1.5 * r, 0.7 * r)),
        capsule(bend, v, (0.06 + r, 0.06), (0.17 + r, 0.24), (0.7 * r, 1.2 * r)),
        capsule(bend, v, (0.17 + r, 0.24), (0.19 + r, 0.40), (1.4 * r, 0.7 * r)),
        capsule(side, v, (0.0, 0.02), (0.0, 0.16), (0.008 + 0.25 * r, 0.008)),
        capsule(side, v, (0.50, -0.02), (0.80, -0.16), (0.006 + 0.014 * atrophy, 0.02 + 0.025 * atrophy)),
    )
    fluid = np.maximum(fluid, ramp(np.minimum.reduce(parts), 0.025))
    nuclei = (
        ellipse(side, v, (0.14 + r, 0.10), (0.09, 0.15), 25),
        ellipse(side, v, (0.30 + r, -0.08), (0.075, 0.18), -14),
        ellipse(side, v, (0.12 + 2 * r, -0.26), (0.05, 0.09), -20),
    )
    return 0.85 * ramp(np.minimum.reduce(nuclei), 0.035), fluid


def add_spots(
    rng: np.random.Generator, image: Array, u: Array, v: Array, depth: Array, sequence: Sequence
) -> Array:
    """Small foci of age, and vessels after contrast, as healthy slices have them too."""
    strength = np.zeros_like(u)
    for _ in range(int(rng.integers(0, 7))):
        turn, along, radius = uniform(rng, 0, 2 * np.pi), uniform(rng, 0.2, 0.6), uniform(rng, 0.012, 0.045)
        centre = (along * np.cos(turn) * 0.8, along * np.sin(turn))
        distance = ellipse(u, v, centre, (radius, radius * uniform(rng, 0.8, 1.8)), uniform(rng, 0, 180))
        strength = np.maximum(strength, ramp(distance, 0.02) * np.float32(uniform(rng, 0.3, 1.0)))
    if sequence.name.startswith("contrast"):
        sinus = ellipse(u, v, (0.0, uniform(rng, 0.8, 0.86)), (0.05, 0.035))
        strength = np.maximum(strength, ramp(sinus, 0.02))
    return image + (np.float32(sequence.spots) - image) * strength * ramp(-depth - 0.02, 0.04)
