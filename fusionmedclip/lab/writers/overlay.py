"""A map over its picture, and the strip below it that says what the colours mean."""

from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fusionmedclip.lab.writers.map_scale import MapScale

__all__ = ["LEAST_WIDTH", "SIGNS", "flag_text", "grey_levels", "overlay", "value_text", "with_legend"]

LEAST_WIDTH = 280
"""Pixels that the legend needs; a narrower picture gets an empty margin on its right."""

SIGNS = "\u25b2\u25cb "
"""Of flags, which words repeat."""

_PAPER, _INK, _SOFT = (24, 24, 28), (240, 240, 240), (176, 176, 184)


def grey_levels(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of (H, W) or (H, W, 3) floats in [0, 1]."""
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return levels if levels.ndim == 3 else cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB)


def overlay(pixels: np.ndarray, values: np.ndarray | None, scale: MapScale) -> np.ndarray:
    """A picture with its map in colours, and a line around what is above the threshold.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) float32 array in [0, 1]
    values : (H, W) float32 array or None
        The map; without one the picture stays as it is.
    scale : MapScale

    Returns
    -------
    (H, W, 3) uint8 array
        Pixel (r, c) is pixel (r, c) of the input.
    """
    picture = grey_levels(pixels)
    if values is None:
        return picture
    return _outlined(_blended(picture, values, scale), scale.marked(values))


def _blended(picture: np.ndarray, values: np.ndarray, scale: MapScale) -> np.ndarray:
    opacity = scale.opacities(values)
    return cv2.blendLinear(picture, scale.colours(values), 1 - opacity, opacity)


def _outlined(picture: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """A white line on a black one, which shows on any ground."""
    outlines, _ = cv2.findContours(marked.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(min(marked.shape) / 400))
    if min(marked.shape) >= 160:
        cv2.drawContours(picture, outlines, -1, (0, 0, 0), width + 2)
    return cv2.drawContours(picture, outlines, -1, (255, 255, 255), width)


def flag_text(flag: bool | None, slices: int = 0) -> str:
    """A sign and a word, which need no colour; of a volume without a flag of its own those of its slices."""
    if flag is None and slices:
        return f"\u25b2 {slices} flagged slice{'s' if slices > 1 else ''}"
    return {True: "\u25b2 flagged", False: "\u25cb not flagged", None: "not calibrated"}[flag]


def value_text(value: float) -> str:
    """A score, or a value of a map, on whatever scale: 0.731, 12.35, 3753, 1.2e+09."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def with_legend(picture: np.ndarray, lines: list[str], scale: MapScale | None) -> np.ndarray:
    """The picture, untouched, above a strip with text and the bar of colours.

    Parameters
    ----------
    picture : (H, W, 3) uint8 array
    lines : list of str
        Each is cut where it does not fit.
    scale : MapScale or None
        None draws no bar.

    Returns
    -------
    (H + strip, max(W, LEAST_WIDTH), 3) uint8 array
    """
    height, width = picture.shape[:2]
    full = max(width, LEAST_WIDTH)
    size = int(np.clip(full // 42, 12, 40))
    pad, step = size // 2, round(size * 1.45)
    strip = Image.new(
        "RGB", (full, 2 * pad + step * len(lines) + (round(2.3 * step) if scale else 0)), _PAPER
    )
    draw = ImageDraw.Draw(strip)
    for row, line in enumerate(lines):
        draw.text((pad, pad + row * step), _fitting(line, size, full - 2 * pad), _INK, font=_font(size))
    if scale:
        _draw_bar(strip, scale, top=pad + step * len(lines) + pad // 2, pad=pad, size=size)
    canvas = np.full((height + strip.height, full, 3), _PAPER, np.uint8)
    canvas[:height, :width], canvas[height:] = picture, np.asarray(strip)
    return canvas


def _draw_bar(strip: Image.Image, scale: MapScale, *, top: int, pad: int, size: int) -> None:
    """Colours as they stand over mid grey, with the values of both ends and of the threshold."""
    left, right = pad, strip.width - pad
    values = np.linspace(scale.low, scale.high, right - left, dtype=np.float32)[None]
    bar = _blended(grey_levels(np.full(values.shape, 0.5, np.float32)), values, scale)
    strip.paste(Image.fromarray(np.repeat(bar, size, axis=0)), (left, top))
    draw = ImageDraw.Draw(strip)
    draw.rectangle((left, top, right - 1, top + size - 1), outline=_SOFT)
    below = top + size + pad // 2
    draw.text((left, below), f"{value_text(scale.low)}", _SOFT, font=_font(size))
    draw.text((right, below), f"{value_text(scale.high)}", _SOFT, font=_font(size), anchor="ra")
    if scale.threshold is not None:
        place = left + float(scale.positions(np.array(scale.threshold))) * (right - left - 1)
        draw.line((place, top - pad // 2, place, top + size + pad // 2), fill=_INK, width=max(1, size // 8))
        text = f"line at {value_text(scale.threshold)}"
        half = _font(size).getlength(text) / 2
        room = _font(size).getlength(f"{value_text(scale.low)}  ")
        middle = float(np.clip(place, left + room + half, max(right - room - half, left + room + half)))
        draw.text((middle, below), text, _INK, font=_font(size), anchor="ma")


def _fitting(line: str, size: int, room: int) -> str:
    if _font(size).getlength(line) <= room:
        return line
    while line and _font(size).getlength(f"{line}\u2026") > room:
        line = line[:-1]
    return f"{line}\u2026"


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font that matplotlib brings along, the same on every machine."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
