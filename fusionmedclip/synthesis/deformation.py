"""Deformations: radial source and sink, and a guided field that keeps inside the organ and never folds."""

import cv2
import numpy as np

from fusionmedclip.synthesis.edits import Edit, Scene
from fusionmedclip.synthesis.masks import Box, Shape, grid, random_shape, shape_from

__all__ = ["guided", "sink", "source"]


def _warp(scene: Scene, box: Box, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return cv2.remap(scene.image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _ray_share(shape: Shape, anchor: tuple[float, float]) -> np.ndarray:
    """r / D: share of the way from an anchor to the shape's edge at which each pixel of the box lies."""
    down, across = shape.coordinates()
    offset = np.subtract(anchor, shape.centre)
    start = shape.inverse @ offset
    down, across = down - np.float32(start[0]), across - np.float32(start[1])
    if shape.ellipse:
        # |start + t d| = 1 for t = D / r, in the shape's own coordinates.
        square = np.maximum(down * down + across * across, 1e-12)
        along = down * np.float32(start[0]) + across * np.float32(start[1])
        room = np.float32(1 - start @ start)
        return (np.sqrt(along * along + square * room) + along) / room
    share_down = np.where(down > 0, down / np.float32(1 - start[0]), -down / np.float32(1 + start[0]))
    share_across = np.where(across > 0, across / np.float32(1 - start[1]), -across / np.float32(1 + start[1]))
    return np.maximum(share_down, share_across)


def _anchor(shape: Shape, rng: np.random.Generator) -> tuple[float, float]:
    """Random point of the shape, a little off its edge."""
    if shape.ellipse:
        radius, angle = 0.9 * np.sqrt(rng.random()), 2 * np.pi * rng.random()
        unit = radius * np.array([np.sin(angle), np.cos(angle)])
    else:
        unit = rng.uniform(-0.9, 0.9, size=2)
    point = np.asarray(shape.centre) + np.linalg.inv(shape.inverse) @ unit
    return float(point[0]), float(point[1])


def _radial(scene: Scene, rng: np.random.Generator, *, towards: bool) -> Edit:
    shape = random_shape(anatomy=scene.anatomy, rng=rng, settings=scene.settings.shape)
    anchor = _anchor(shape, rng)
    share = _ray_share(shape, anchor)
    factor = 2.0 ** rng.uniform(*scene.settings.radial.log2_factor)
    region = share < 1
    share = np.clip(share, 1e-4, 1)
    stretch = (1 - (1 - share) ** factor) / share if towards else share ** (factor - 1)
    rows, columns = grid(shape.box, anchor)
    rows = rows * stretch + np.float32(anchor[0])
    columns = columns * stretch + np.float32(anchor[1])
    pixels = _warp(scene, shape.box, rows.astype(np.float32), columns.astype(np.float32))
    return Edit(shape.box, pixels, scene.on_anatomy(region, shape.box))


def source(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Source deformation: pushes tissue away from a point c, r' = r^f / D^(f-1) (section 3.4, [36])."""
    return _radial(scene, rng, towards=False)


def sink(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Sink deformation: draws tissue towards a point c, r' = D - (D - r)^f / D^(f-1) ([36])."""
    return _radial(scene, rng, towards=True)


def guided(scene: Scene, *, rng: np.random.Generator) -> Edit:
    """Guided deformation: a smooth displacement field inside the organ (section 3.4)."""
    settings = scene.settings.guided
    size, anatomy = scene.image.shape, scene.anatomy
    half = rng.uniform(*settings.side, size=2) * size / 2
    row, column = anatomy.random_pixel(rng, depth=settings.depth)
    shape = shape_from(
        (max(4.0, float(half[0])), max(4.0, float(half[1]))),
        centre=(float(row), float(column)),
        shear=0.0,
        degrees=rng.uniform(-90, 90),
        ellipse=True,
        size=size,
    )
    box = shape.box
    down, across = shape.coordinates()
    bump = np.clip(1 - down * down - across * across, 0, None) ** 2
    inside = np.clip(anatomy.depth[box.window] / (settings.organ_margin * scene.scale), 0, 1)
    bump *= inside * inside * (3 - 2 * inside)
    rows, columns = grid(box, shape.centre)
    grow = -1.0 if rng.random() < settings.expansion_probability else 1.0
    reach = float(np.sqrt(half[0] * half[1]))
    towards = np.subtract(anatomy.centre, shape.centre)
    towards = towards / max(float(np.hypot(*towards)), 1e-6)
    push = rng.uniform(*settings.push) * reach * 0.5
    waves = rng.standard_normal((2, 4, 4), dtype=np.float32) * (rng.uniform(*settings.waviness) * reach * 0.3)
    wave_rows, wave_columns = (
        cv2.resize(wave, (box.width, box.height), interpolation=cv2.INTER_CUBIC) for wave in waves
    )
    u_rows = bump * (grow * (rows - push * np.float32(0)) + grow * push * np.float32(towards[0]) + wave_rows)
    u_columns = bump * (grow * columns + grow * push * np.float32(towards[1]) + wave_columns)
    norm = _largest_gradient(u_rows, u_columns)
    gain = np.float32(rng.uniform(*settings.strength) / max(norm, 1e-6))
    rows = rows + np.float32(shape.centre[0]) + gain * u_rows
    columns = columns + np.float32(shape.centre[1]) + gain * u_columns
    return Edit(box, _warp(scene, box, rows.astype(np.float32), columns.astype(np.float32)), bump > 0)


def _largest_gradient(u_rows: np.ndarray, u_columns: np.ndarray) -> float:
    """Largest Frobenius norm of the field's gradient, an upper bound of its spectral norm."""
    total = np.zeros((u_rows.shape[0] - 1, u_rows.shape[1] - 1), dtype=np.float32)
    for field in (u_rows, u_columns):
        down, across = np.diff(field, axis=0)[:, :-1], np.diff(field, axis=1)[:-1]
        total += down * down + across * across
    return float(np.sqrt(total.max()))
