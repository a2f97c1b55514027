"""Intensity and density anomalies: Gaussian intensity change, and textured soft-edged lesions (Eq. 13)."""

import cv2
import numpy as np

from fusionmedclip.synthesis.edits import Edit, Scene
from fusionmedclip.synthesis.masks import SMALLEST_SIDE, Box, perlin_mask, place_box
from fusionmedclip.synthesis.shapes import Shape, shape_from
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
    box, _ = place_box(settings.side, anatomy=scene.anatomy, rng=rng, whole=scene.whole)
    region = scene.on_anatomy(perlin_mask(box, rng=rng, settings=scene.settings.perlin), box)
    sigma = settings.noise_sigma[int(rng.integers(len(settings.noise_sigma)))] * scene.scale
    change = smooth_noise((box.height, box.width), sigma=sigma, rng=rng)
    change *= rng.uniform(*settings.intensity) * (1 if rng.random() < 0.5 else -1)
    change *= _blur(region.astype(np.float32), rng.uniform(*settings.edge_sigma) * scene.scale)
    return Edit(box, scene.image[box.window] + change, region)


def density(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Enhanced density synthesis: X (1 - M) + ((1 - beta) X + beta T) M, M a blurred mask (Eq. 13)."""
    settings = scene.density
    edge = rng.uniform(*settings.edge_sigma) * scene.scale
    shape = _lesion(scene, rng, margin=2 * edge)
    box = shape.box
    target = scene.image[box.window]
    level, drawn = _outline(scene, shape, rng, edge=edge)
    # The blur's faint tail is cut, so that the mask ends where the eye sees the lesion end.
    soft = (_blur(scene.on_anatomy(drawn, box).astype(np.float32), edge) - np.float32(0.04)) / np.float32(
        0.96
    )
    soft = np.maximum(soft, 0)
    mean = float(np.einsum("ij,ij->", soft, target)) / max(float(soft.sum()), 1e-6)
    if rng.random() < settings.bright_probability:
        shift = rng.uniform(*settings.brighter) * (1 - mean)
    else:
        shift = -rng.uniform(*settings.darker) * mean
    texture = _texture(scene, box, rng, shift=shift)
    if rng.random() < settings.rim_probability:
        # The centre of a ring: from about a third of the way in, shifted a little the other way.
        texture -= np.float32(1.3 * shift) * np.clip(level * 2.5 - 1, 0, 1)
    texture += np.float32(mean + shift)
    soft *= np.float32(rng.uniform(*settings.beta))
    return Edit(box, target + soft * (texture - target), soft > 0)


def _lesion(scene: Scene, rng: np.random.Generator, *, margin: float) -> Shape:
    """Ellipse at a suitable site, no larger than the depth there allows."""
    settings, size = scene.density, scene.image.shape
    pixel = scene.anatomy.random_pixel(rng, depth=settings.depth, brightness=settings.site)
    radius = 0.5 * rng.uniform(*settings.side) * np.sqrt(size[0] * size[1])
    stretch = np.sqrt(np.exp(rng.uniform(*np.log(settings.elongation))))
    room = 1.1 * (scene.anatomy.depth_at(pixel) - settings.margin * scene.scale)
    fit = min(1.0, max(0.3, room / (radius * max(stretch, 1 / stretch))))
    half = max(3.0, radius * fit / stretch), max(3.0, radius * fit * stretch)
    return shape_from(
        half,
        centre=(float(pixel[0]), float(pixel[1])),
        shear=0.0,
        degrees=rng.uniform(*settings.rotation),
        ellipse=True,
        size=size,
        margin=margin + 0.25 * max(half),
    )


def _outline(
    scene: Scene, shape: Shape, rng: np.random.Generator, *, edge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Level set of the lesion (1 at its centre), and its binary mask M."""
    box, settings = shape.box, scene.density
    down, across = shape.coordinates()
    distance = down * down + across * across
    if settings.outline == "perlin":
        return 1 - distance, _padded_perlin(scene, box, rng, margin=round(2 * edge))
    cells = rng.standard_normal((7, 7), dtype=np.float32)
    cells -= cells.mean()
    lobes: np.ndarray = cv2.resize(cells, (box.width, box.height), interpolation=cv2.INTER_CUBIC)
    lobes *= np.float32(0.5 * rng.uniform(*settings.irregularity))
    level = 1 - distance + lobes * np.minimum(distance, 1)
    return level, (level > 0) & (distance < 1.5)


def _padded_perlin(scene: Scene, box: Box, rng: np.random.Generator, *, margin: int) -> np.ndarray:
    """Perlin mask in the middle of a box, with room around it for the blur."""
    down, across = (max(0, min(margin, (side - SMALLEST_SIDE) // 2)) for side in (box.height, box.width))
    inner = Box(box.top + down, box.left + across, box.bottom - down, box.right - across)
    blob = perlin_mask(inner, rng=rng, settings=scene.settings.perlin)
    return np.pad(blob, ((down, down), (across, across)))


def _texture(scene: Scene, box: Box, rng: np.random.Generator, *, shift: float) -> np.ndarray:
    """T'_tex around zero: fine tissue texture of a support image, and smooth unevenness."""
    settings = scene.density
    patch = source_patch(scene, box, rng=rng, depth=settings.depth)
    texture = patch - _blur(patch, 1.5 * scene.scale)
    # Edges of skull or ribs are no grain: keep what is within two standard deviations.
    limit = 2 * float(np.sqrt(np.einsum("ij,ij->", texture, texture) / texture.size))
    texture = np.clip(texture, -limit, limit)
    texture *= np.float32(rng.uniform(*settings.tissue_texture))
    sigma = rng.uniform(*settings.unevenness_sigma) * scene.scale
    uneven = smooth_noise((box.height, box.width), sigma=sigma, rng=rng) - np.float32(0.5)
    return texture + uneven * np.float32(2 * rng.uniform(*settings.unevenness) * abs(shift))
