"""Deformations: radial source and sink, and a guided field that keeps inside the organ and never folds."""

from collections.abc import Iterator

import cv2
import numpy as np

from fusionmedclip.synthesis.edits import Edit, Scene
from fusionmedclip.synthesis.masks import Box, grid
from fusionmedclip.synthesis.shapes import Shape, random_shape, shape_from

__all__ = ["guided", "guided_field", "sink", "source"]

WINDOW_TAIL = 0.03
"""Height at which the guided field's window is cut off."""


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
    shape = random_shape(anatomy=scene.anatomy, rng=rng, settings=scene.settings.shape, whole=scene.whole)
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
    """Guided deformation: X composed with p -> p + u(p), u a smooth field inside the organ (section 3.4)."""
    box, u_rows, u_columns, window = guided_field(scene, rng)
    rows, columns = grid(box, (0.0, 0.0))
    return Edit(box, _warp(scene, box, rows + u_rows, columns + u_columns), window > 0)


def guided_field(scene: Scene, rng: np.random.Generator) -> tuple[Box, np.ndarray, np.ndarray, np.ndarray]:
    """Draw a displacement field that keeps inside the organ and never folds.

    Growth or shrinkage about the lesion's centre, a push along the line to the organ's centre and a random
    smooth part, all under one window that fades out at the lesion's and at the organ's boundary. The field
    is scaled until the spectral norm of its gradient is at most ``strength`` < 1: then p -> p + u(p) is
    one to one, its Jacobian is positive, and no point leaves the organ, since u is zero on its boundary.

    Returns
    -------
    box : Box
    u_rows, u_columns : (h, w) float32 arrays
        Displacement in pixels.
    window : (h, w) float32 array
        In [0, 1]; the displacement is zero where it is zero.
    """
    settings, anatomy = scene.guided, scene.anatomy
    half = np.maximum(4.0, rng.uniform(settings.side[0], settings.side[1], size=2) * scene.image.shape / 2)
    pixel = anatomy.random_pixel(rng, depth=settings.depth)
    shape = shape_from(
        (float(half[0]), float(half[1])),
        centre=(float(pixel[0]), float(pixel[1])),
        shear=0.0,
        degrees=rng.uniform(-90, 90),
        ellipse=True,
        size=scene.image.shape,
    )
    window = _window(scene, shape)
    u_rows, u_columns = (
        window * part for part in _pull(scene, shape, rng, reach=float(np.sqrt(half.prod())))
    )
    gain = np.float32(rng.uniform(*settings.strength) / max(_largest_gradient(u_rows, u_columns), 1e-6))
    return shape.box, gain * u_rows, gain * u_columns, window


def _pull(scene: Scene, shape: Shape, rng: np.random.Generator, *, reach: float) -> Iterator[np.ndarray]:
    """Rows and columns of growth, push and waves, to be windowed and scaled; ``reach`` is in pixels."""
    settings, box = scene.guided, shape.box
    # Sampling from nearer the centre (a negative sign) magnifies what is there.
    sign = -1.0 if rng.random() < settings.expansion_probability else 1.0
    towards = np.subtract(scene.anatomy.centre, shape.centre)
    push = -0.5 * reach * rng.uniform(*settings.push) * towards / max(float(np.hypot(*towards)), 1e-6)
    waves = rng.standard_normal((2, 4, 4), dtype=np.float32)
    waves *= np.float32(0.3 * reach * rng.uniform(*settings.waviness))
    for offset, shift, wave in zip(grid(box, shape.centre), push, waves, strict=True):
        smooth = cv2.resize(wave, (box.width, box.height), interpolation=cv2.INTER_CUBIC)
        yield np.float32(sign) * offset + np.float32(shift) + smooth


def _window(scene: Scene, shape: Shape) -> np.ndarray:
    """1 at the lesion's centre, 0 from its outline on and off the organ, smooth in between."""
    down, across = shape.coordinates()
    bump = np.maximum(1 - down * down - across * across, 0) ** 2
    margin = np.float32(scene.guided.organ_margin * scene.scale)
    # Still in the outermost cell: a field that is zero on the edge, with a gradient below 1, cannot leave.
    inside = np.clip((scene.anatomy.depth[shape.box.window] - np.float32(scene.anatomy.cell)) / margin, 0, 1)
    bump *= inside * inside * (3 - 2 * inside)
    # A tail of displacements too small to see would only blur the mask's meaning.
    return np.maximum(bump - np.float32(WINDOW_TAIL), 0)


def _largest_gradient(u_rows: np.ndarray, u_columns: np.ndarray) -> float:
    """Largest spectral norm of the field's gradient, from differences of neighbouring pixels."""
    a, b = np.diff(u_rows, axis=0)[:, :-1], np.diff(u_rows, axis=1)[:-1]
    c, d = np.diff(u_columns, axis=0)[:, :-1], np.diff(u_columns, axis=1)[:-1]
    # The largest singular value of [[a, b], [c, d]], in closed form.
    norm = np.sqrt((a + d) ** 2 + (c - b) ** 2) + np.sqrt((a - d) ** 2 + (b + c) ** 2)
    return 0.5 * float(norm.max())
