"""Axial brain slices as magnetic resonance shows them: T1, contrast-enhanced T1, T2 and FLAIR."""

from dataclasses import dataclass

import cv2
import numpy as np

from fusionmedclip.data.phantoms.brain_anatomy import (
    SEQUENCES,
    Sequence,
    Slice,
    add_spots,
    head_coordinates,
    healthy_brain,
)
from fusionmedclip.data.phantoms.fields import ellipse, ramp, smooth_noise, uniform
from fusionmedclip.data.phantoms.settings import Settings, pick, show

__all__ = ["draw_brain_mri"]

Array = np.ndarray

ODDS = {"glioma": 0.5, "metastasis": 0.25, "meningioma": 0.25}


@dataclass(frozen=True)
class Tumour:
    """A lesion in head coordinates (the scalp is the unit circle); oedema is a width in radii."""

    kind: str
    centre: tuple[float, float]
    radius: float
    aspect: float
    angle: float
    oedema: float
    ring: bool


def _draw_tumour(rng: np.random.Generator, kind: str) -> Tumour:
    reach = (0.66, 0.72) if kind == "meningioma" else (0.22, 0.6)
    turn, along = uniform(rng, 0, 2 * np.pi), uniform(rng, *reach)
    radius = {"glioma": (0.12, 0.25), "metastasis": (0.08, 0.14), "meningioma": (0.1, 0.2)}[kind]
    return Tumour(
        kind=kind,
        centre=(along * float(np.cos(turn)), along * float(np.sin(turn))),
        radius=uniform(rng, *radius),
        aspect=uniform(rng, 0.7, 1.0),
        angle=uniform(rng, 0, 180),
        oedema=uniform(rng, 0.35, 0.9) if rng.random() < 0.65 else 0.0,
        ring=kind != "meningioma" and bool(rng.random() < 0.6),
    )


def _displaced(u: Array, v: Array, tumour: Tumour) -> tuple[Array, Array]:
    """Mass effect: anatomy is pushed away from the tumour's centre, fading out with distance."""
    du, dv = u - np.float32(tumour.centre[0]), v - np.float32(tumour.centre[1])
    spread = np.float32(2 * (1.5 * tumour.radius) ** 2)
    pull = np.float32(0.55) * np.exp(-(du * du + dv * dv) / spread)
    return u - pull * du, v - pull * dv


def _lesion(
    rng: np.random.Generator,
    u: Array,
    v: Array,
    inside: Array,
    tissue: Array,
    tumour: Tumour,
    sequence: Sequence,
) -> tuple[Array, Array]:
    """Signal of the lesion and its strength (0-1), given where the brain is and where it is not fluid."""
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
    body = ramp(solid, 0.025) * inside
    fingers = solid - np.float32(tumour.oedema * radius) * (1 + 0.6 * smooth_noise(rng, size, 9))
    around = ramp(fingers, 0.06) * tissue * np.float32(tumour.oedema > 0)
    strength = np.maximum(body, around)
    signal = level * body + np.float32(sequence.oedema) * (1 - body)
    return signal, strength


def _scanned(rng: np.random.Generator, signal: Array, settings: Settings) -> Array:
    """Texture, coil sensitivity, limited resolution and Rician noise (Gudbjartsson and Patz, 1995)."""
    size = signal.shape[0]
    image: Array = (
        signal * (1 + 0.05 * smooth_noise(rng, size, 40)) * np.exp(0.16 * smooth_noise(rng, size, 3))
    )
    image = cv2.GaussianBlur(image, (0, 0), size / 224 * (0.45 + 0.6 * settings.blur) + 0.1)
    sigma = np.float32(0.008 + 0.045 * settings.noise)
    real, imaginary = sigma * rng.standard_normal((2, size, size), dtype=np.float32)
    magnitude = np.sqrt((image + real) ** 2 + imaginary**2)
    return show(magnitude, settings, gain=(0.65, 1.35), gamma=(0.75, 1.4))


def draw_brain_mri(
    rng: np.random.Generator, settings: Settings, *, size: int, lesion: bool
) -> tuple[Array, Array, dict[str, str]]:
    """Draw one slice.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : Settings
    size : int
        Side in pixels.
    lesion : bool
        With a glioma, metastasis or meningioma and, in most, the oedema around it.

    Returns
    -------
    image : (H, W) float32 in ``[0, 1]``
    mask : (H, W) bool
        Tumour and oedema ("whole tumour"): where they make up more than half of the signal.
    facts : dict
        What was drawn, for the caption.
    """
    sequence = SEQUENCES[int(settings.protocol * len(SEQUENCES))]
    shown = Slice(sequence, settings.habitus, bool(rng.random() < 0.3))
    tumour = _draw_tumour(rng, pick(ODDS, settings.finding)) if lesion else None
    u, v = head_coordinates(rng, size, settings)
    inner = (u, v) if tumour is None else _displaced(u, v, tumour)
    image, depth, fluid = healthy_brain(rng, *inner, shown)
    image = add_spots(rng, image, u, v, depth, sequence)
    mask = np.zeros((size, size), bool)
    if tumour is not None:
        inside = ramp(-depth - 0.005, 0.03)
        signal, strength = _lesion(rng, u, v, inside, inside * (1 - fluid), tumour, sequence)
        image, mask = image + (signal - image) * strength, strength > 0.5
    return _scanned(rng, image, settings), mask, _facts(shown, tumour)


def _facts(shown: Slice, tumour: Tumour | None) -> dict[str, str]:
    """What was drawn, in words; the patient's right is on the picture's left."""
    if shown.high:
        aside = "slice above the ventricles"
    elif shown.atrophy > 0.5:
        aside = "wide ventricles and sulci"
    else:
        aside = "slender ventricles"
    facts = {"kind": "", "sequence": shown.sequence.name, "aside": aside}
    if tumour is None:
        return facts
    enhanced = shown.sequence.name.startswith("contrast")
    ring = ("ring enhancement" if enhanced else "a necrotic centre") if tumour.ring else ""
    details = [text for text in (ring, "surrounding oedema" if tumour.oedema else "") if text]
    u, v = tumour.centre
    return facts | {
        "kind": tumour.kind,
        "side": "right" if u < 0 else "left",
        "lobe": "frontal" if v < -0.2 else "occipital" if v > 0.35 else "parietal",
        "detail": " with " + " and ".join(details) if details else "",
    }
