"""Intensity and density anomalies: Gaussian intensity change, and textured soft-edged lesions (Eq. 13)."""

import cv2
import numpy as np

from fusionmedclip.synthesis.edits import Edit, Scene
from fusionmedclip.synthesis.masks import perlin_mask, place_box, shape_from
from fusionmedclip.synthesis.structural import source_patch

__all__ = ["density", "gaussian", "smooth_noise"]


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), max(sigma, 0.2), borderType=cv2.BORDER_REFLECT_101)


def smooth_noise(size: tuple[int, int], *, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Binary noise blurred with a Gaussian of ``sigma`` pixels, scaled to [0, 1].

    Drawn on a grid of about sigma / 2 pixels and interpolated: the blur leaves nothing finer, and the
    scaling to [0, 1] makes the result the same in law.

    Returns
    -------
    (h, w) float32 array
    """
    step = max(1.0, sigma / 2)
    rows, columns = (int(np.ceil(side / step)) + 1 for side in size)
    bits = np.frombuffer(rng.bytes(-(-rows * columns // 8)), dtype=np.uint8)
    coarse = np.unpackbits(bits)[: rows * columns].reshape(rows, columns).astype(np.float32)
    noise = cv2.resize(_blur(coarse, sigma / step), size[::-1], interpolation=cv2.INTER_LINEAR)
    low, high = float(noise.min()), float(noise.max())
    return (noise - low) / max(high - low, 1e-6)


def gaussian(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Gaussian intensity change: X + gamma * noise inside a blurred Perlin mask (section 3.4)."""
    settings = scene.settings.gaussian
    box, _ = place_box(settings.side, anatomy=scene.anatomy, rng=rng)
    region = scene.on_anatomy(perlin_mask(box, rng=rng, settings=scene.settings.perlin), box)
    sigma = settings.noise_sigma[int(rng.integers(len(settings.noise_sigma)))] * scene.scale
    change = smooth_noise((box.height, box.width), sigma=sigma, rng=rng)
    change *= rng.uniform(*settings.intensity) * (1 if rng.random() < 0.5 else -1)
    change *= _blur(region.astype(np.float32), rng.uniform(*settings.edge_sigma) * scene.scale)
    return Edit(box, scene.image[box.window] + change, region)


def density(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Enhanced density synthesis: X (1 - M) + ((1 - beta) X + beta T) M, M a blurred mask (Eq. 13)."""
    settings = scene.settings.density
    size = scene.image.shape
    diameters = rng.uniform(*settings.side, size=2) * size
    edge = rng.uniform(*settings.edge_sigma) * scene.scale
    row, column = scene.anatomy.random_pixel(rng)
    shape = shape_from(
        (max(3.0, diameters[0] / 2), max(3.0, diameters[1] / 2)),
        centre=(float(row), float(column)),
        shear=0.2 * rng.standard_normal(),
        degrees=rng.uniform(-90, 90),
        ellipse=True,
        size=size,
        margin=2 * edge,
    )
    box = shape.box
    down, across = shape.coordinates()
    lobes = cv2.resize(
        rng.standard_normal((6, 6), dtype=np.float32), (box.width, box.height), interpolation=cv2.INTER_CUBIC
    )
    level = 1 - down * down - across * across + rng.uniform(*settings.irregularity) * 0.5 * lobes
    solid = scene.on_anatomy(level > 0, box).astype(np.float32)
    soft = _blur(solid, edge)
    target = scene.image[box.window]
    total = float(soft.sum())
    mean = float((soft * target).sum()) / max(total, 1e-6)
    sign = 1 if rng.random() < settings.bright_probability else -1
    contrast = rng.uniform(*settings.contrast) * sign
    if not 0.1 <= mean + contrast <= 0.95:
        contrast = -contrast if 0.1 <= mean - contrast <= 0.95 else contrast
    patch = source_patch(scene, box, rng=rng, settings=scene.settings.cutpaste)
    texture = (patch - _blur(patch, 3 * scene.scale)) * rng.uniform(*settings.tissue_texture)
    grain = smooth_noise(
        (box.height, box.width), sigma=rng.uniform(*settings.grain_sigma) * scene.scale, rng=rng
    )
    texture += (grain - 0.5) * 4 * rng.uniform(*settings.grain)
    if rng.random() < settings.rim_probability:
        texture -= contrast * 0.8 * np.clip(level * 2 - 0.8, 0, 1)
    texture += mean + contrast
    beta = rng.uniform(*settings.beta)
    mixed = target + soft * beta * (texture - target)
    return Edit(box, mixed, scene.on_anatomy(soft > 0.02, box))
