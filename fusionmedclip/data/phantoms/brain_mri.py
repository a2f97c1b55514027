"""Axial brain slices as magnetic resonance shows them: T1, contrast-enhanced T1, T2 and FLAIR.

Signal levels are typical relative intensities (dark fluid on T1 and FLAIR, bright on T2; white matter
brighter than grey on T1 only). Noise is Rician, as in magnitude images (Gudbjartsson and Patz, 1995).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fusionmedclip.data.phantoms.display import Display, show
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

__all__ = ["draw_brain_mri"]

Array = np.ndarray


@dataclass(frozen=True)
class Sequence:
    """Relative signal of each tissue, 0-1."""

    name: str
    fat: float
    marrow: float
    csf: float
    grey: float
    white: float
    tumour: tuple[float, float]
    oedema: float
    core: float


SEQUENCES = (
    Sequence("T1-weighted", 0.85, 0.55, 0.13, 0.42, 0.58, (0.22, 0.36), 0.40, 0.18),
    Sequence("contrast-enhanced T1-weighted", 0.80, 0.50, 0.13, 0.40, 0.52, (0.78, 1.0), 0.36, 0.16),
    Sequence("T2-weighted", 0.62, 0.35, 0.95, 0.56, 0.40, (0.66, 0.95), 0.80, 0.97),
    Sequence("FLAIR", 0.60, 0.30, 0.08, 0.50, 0.42, (0.70, 0.98), 0.76, 0.30),
)


@dataclass(frozen=True)
class Tumour:
    """A lesion in head coordinates (the scalp is the unit circle)."""

    kind: str
    centre: tuple[float, float]
    radius: float
    aspect: float
    angle: float
    oedema: float
    ring: bool


def _draw_tumour(rng: np.random.Generator) -> Tumour:
    kind = ("glioma", "metastasis", "meningioma")[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    reach = (0.66, 0.72) if kind == "meningioma" else (0.22, 0.6)
    turn, along = uniform(rng, 0, 2 * np.pi), uniform(rng, *reach)
    radius = {"glioma": (0.11, 0.2), "metastasis": (0.07, 0.13), "meningioma": (0.1, 0.17)}[kind]
    return Tumour(
        kind=kind,
        centre=(along * float(np.cos(turn)), along * float(np.sin(turn))),
        radius=uniform(rng, *radius),
        aspect=uniform(rng, 0.7, 1.0),
        angle=uniform(rng, 0, 180),
        oedema=uniform(rng, 0.35, 0.9) if rng.random() < 0.65 else 0.0,
        ring=kind != "meningioma" and bool(rng.random() < 0.6),
    )


def _pose(rng: np.random.Generator, size: int, display: Display) -> tuple[Array, Array]:
    """Head coordinates: the scalp is about the unit circle, front at negative v."""
    x, y = plane(size)
    x, y = turned(x - uniform(rng, -0.07, 0.07), y - uniform(rng, -0.07, 0.07), uniform(rng, -14, 14))
    half = 0.74 + 0.24 * display.zoom
    width = half * uniform(rng, 0.76, 0.9)
    u, v = x / np.float32(width), y / np.float32(half)
    u = u * (1 + np.float32(uniform(rng, -0.02, 0.1)) * (0.2 - v))
    wobble = np.float32(0.018)
    return u + wobble * smooth_noise(rng, size, 5), v + wobble * smooth_noise(rng, size, 5)


def _displaced(u: Array, v: Array, tumour: Tumour) -> tuple[Array, Array]:
    """Mass effect: anatomy is pushed away from the tumour's centre, fading out with distance."""
    du, dv = u - np.float32(tumour.centre[0]), v - np.float32(tumour.centre[1])
    spread = np.float32(2 * (1.6 * tumour.radius) ** 2)
    pull = np.float32(0.55) * np.exp(-(du * du + dv * dv) / spread)
    return u - pull * du, v - pull * dv


def _brain(rng: np.random.Generator, u: Array, v: Array, sequence: Sequence) -> tuple[Array, Array, Array]:
    """Signal of a healthy slice, depth inside the brain (0 at its surface, 1 at the middle), and fluid."""
    scalp, bone, gap = uniform(rng, 0.035, 0.09), uniform(rng, 0.05, 0.09), uniform(rng, 0.012, 0.04)
    edge = scalp + bone
    depth = 1 - np.hypot(u, v)
    fat = sequence.fat * uniform(rng, 0.6, 1.1)
    knots = [
        -0.012,
        0.006,
        scalp - 0.008,
        scalp + 0.008,
        scalp + 0.4 * bone,
        scalp + 0.7 * bone,
        edge,
        edge + 0.01,
    ]
    marrow = sequence.marrow * uniform(rng, 0.2, 0.9)
    levels = [0, fat, 0.8 * fat, 0.03, marrow, 0.03, 0.03, sequence.csf]
    shell = np.interp(depth, knots, levels).astype(np.float32)
    q = (depth - np.float32(edge + gap)) / np.float32(1 - edge - gap)

    atrophy = uniform(rng, 0.0, 1.0)
    turn = np.arctan2(u, v) * np.float32(1 / (2 * np.pi))
    folds = np.abs(resampled_noise(rng, turn + 0.08 * q, np.clip(q, -0.2, 1.2) * 0.5, (13, 24)))
    sulcal = (0.10 + 0.18 * atrophy) * np.clip(1 - q / np.float32(0.3 + 0.1 * atrophy), 0, 1)
    fluid = ramp(folds - sulcal, 0.16)
    cortex = ramp(np.minimum(folds - 0.30 - sulcal, (q - 0.05) * 5), 0.25) * ramp(q - 0.42, 0.1)
    fluid = np.maximum(fluid, ramp(q, 0.03))

    high = bool(rng.random() < 0.3)
    nuclei, inner = _deep(rng, u, v, atrophy, high)
    grey = np.maximum(cortex, nuclei)
    fluid = np.maximum(fluid, inner)
    tissue = sequence.white + (sequence.grey - sequence.white) * grey
    inside = ramp(-q - 0.01, 0.02)
    signal = tissue + (sequence.csf - tissue) * fluid
    return shell + (signal - shell) * inside, q, fluid


def _deep(rng: np.random.Generator, u: Array, v: Array, atrophy: float, high: bool) -> tuple[Array, Array]:
    """Deep grey nuclei, and fluid of ventricles, midline and Sylvian fissures."""
    lean = np.float32(uniform(rng, -0.015, 0.015))
    side = np.abs(u - lean)
    midline = np.maximum(side - uniform(rng, 0.008, 0.02), (0.42 if not high else 0.05) - np.abs(v))
    fluid = ramp(midline, 0.025)
    if high:
        return np.zeros_like(u), fluid
    wide = uniform(rng, 0.6, 1.0) + 0.7 * atrophy
    left = side * np.float32(1 + uniform(rng, -0.1, 0.1))
    r = 0.03 * wide
    parts = (
        capsule(left, v, (0.10 + r, -0.34), (0.05 + r, -0.12), (0.9 * r, 1.2 * r)),
        capsule(left, v, (0.05 + r, -0.12), (0.10 + r, 0.14), (1.1 * r, 0.5 * r)),
        capsule(left, v, (0.12 + r, 0.16), (0.20 + r, 0.38), (0.9 * r, 1.2 * r)),
        capsule(side, v, (0.0, 0.0), (0.0, 0.16), (0.012 + 0.3 * r, 0.012)),
        capsule(side, v, (0.48, -0.02), (0.78, -0.14), (0.012 + 0.012 * atrophy, 0.03 + 0.02 * atrophy)),
    )
    fluid = np.maximum(fluid, ramp(np.minimum.reduce(parts), 0.025))
    nuclei = np.minimum(
        ellipse(side, v, (0.15 + r, 0.08), (0.09, 0.15), 25),
        np.minimum(
            ellipse(side, v, (0.30 + r, -0.08), (0.07, 0.17), -14),
            ellipse(side, v, (0.13 + 2 * r, -0.24), (0.05, 0.09), -20),
        ),
    )
    return 0.85 * ramp(nuclei, 0.04), fluid


def _benign(
    rng: np.random.Generator, u: Array, v: Array, q: Array, sequence: Sequence
) -> tuple[Array, Array]:
    """Small bright spots of age and vessels, in both classes: (strength, signal)."""
    strength = np.zeros_like(u)
    for _ in range(int(rng.integers(0, 5))):
        turn, along, radius = uniform(rng, 0, 2 * np.pi), uniform(rng, 0.2, 0.6), uniform(rng, 0.012, 0.035)
        centre = (along * np.cos(turn) * 0.8, along * np.sin(turn))
        distance = ellipse(u, v, centre, (radius, radius * uniform(rng, 0.8, 1.8)), uniform(rng, 0, 180))
        strength = np.maximum(strength, ramp(distance, 0.02) * np.float32(uniform(rng, 0.3, 1.0)))
    if sequence.name.startswith("contrast"):
        sinus = ellipse(u, v, (0.0, uniform(rng, 0.8, 0.86)), (0.05, 0.035))
        strength = np.maximum(strength, ramp(sinus, 0.02))
    return strength * ramp(-q - 0.02, 0.04), np.float32(0.95 if sequence.name != "T1-weighted" else 0.3)


def _lesion(
    rng: np.random.Generator, u: Array, v: Array, q: Array, fluid: Array, tumour: Tumour, sequence: Sequence
) -> tuple[Array, Array, Array]:
    """Signal of the lesion, its strength (0-1), and its exact outline."""
    size, radius = u.shape[0], tumour.radius
    lumps = 0.2 if tumour.kind == "glioma" else 0.08
    outline = ellipse(u, v, tumour.centre, (radius, radius * tumour.aspect), tumour.angle)
    solid = outline + np.float32(lumps * radius) * smooth_noise(rng, size, 11)
    low, high = sequence.tumour
    level = uniform(rng, low, high) + 0.05 * smooth_noise(rng, size, 18)
    if tumour.ring:
        rim = uniform(rng, 0.22, 0.4) * radius
        centre = ramp(solid + np.float32(rim), 0.03 + 0.2 * radius)
        level = level + (sequence.core - level) * centre
    within = ramp(-q - 0.005, 0.03)
    body = ramp(solid, 0.025) * within
    fingers = solid - np.float32(tumour.oedema * radius) * (1 + 0.6 * smooth_noise(rng, size, 9))
    around = ramp(fingers, 0.06) * within * (1 - fluid) * np.float32(tumour.oedema > 0)
    strength = np.maximum(body, around)
    signal = level * body + np.float32(sequence.oedema) * (1 - body)
    return signal, strength, strength > 0.5


def draw_brain_mri(rng: np.random.Generator, display: Display, *, size: int, lesion: bool):
    """Draw one slice.

    Parameters
    ----------
    rng : numpy.random.Generator
    display : Display
    size : int
        Side in pixels.
    lesion : bool
        With a tumour and, in most, the oedema around it.

    Returns
    -------
    image : (H, W) float32 in ``[0, 1]``
    mask : (H, W) bool
        Tumour and oedema ("whole tumour").
    caption : str
    """
    sequence = SEQUENCES[int(display.protocol * len(SEQUENCES))]
    tumour = _draw_tumour(rng)
    u, v = _pose(rng, size, display)
    inner = _displaced(u, v, tumour) if lesion else (u, v)
    image, q, fluid = _brain(rng, *inner, sequence)
    spots, spot_signal = _benign(rng, u, v, q, sequence)
    image = image + (spot_signal - image) * spots
    mask = np.zeros((size, size), bool)
    if lesion:
        signal, strength, mask = _lesion(rng, u, v, q, fluid, tumour, sequence)
        image = image + (signal - image) * strength
    image = image * (1 + 0.05 * smooth_noise(rng, size, 40)) * np.exp(0.16 * smooth_noise(rng, size, 3))
    image = cv2.GaussianBlur(image, (0, 0), size / 224 * (0.45 + 0.6 * display.blur) + 0.1)
    sigma = np.float32(0.008 + 0.045 * display.noise)
    noise = sigma * rng.standard_normal((2, size, size), dtype=np.float32)
    image = np.hypot(image + noise[0], noise[1])
    image = show(image, display, gain=(0.65, 1.35), gamma=(0.75, 1.4))
    return image, mask, _facts(tumour if lesion else None, sequence)


def _facts(tumour: Tumour | None, sequence: Sequence) -> dict[str, str]:
    """What was drawn, in words; the patient's right is on the picture's left."""
    if tumour is None:
        return {"sequence": sequence.name, "kind": ""}
    u, v = tumour.centre
    ring = " with ring enhancement" if sequence.name.startswith("contrast") else " with a necrotic centre"
    detail = (ring if tumour.ring else "") + (
        " and surrounding oedema" if tumour.oedema and tumour.ring else ""
    )
    if tumour.oedema and not tumour.ring:
        detail = " with surrounding oedema"
    return {
        "sequence": sequence.name,
        "kind": tumour.kind,
        "side": "right" if u < 0 else "left",
        "lobe": "frontal" if v < -0.2 else "occipital" if v > 0.35 else "parietal",
        "detail": detail,
    }
