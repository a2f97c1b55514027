"""One look for every figure: a page measured in inches, one colour a method, one way to save."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

__all__ = [
    "ABNORMAL",
    "NORMAL",
    "STAND_IN_NOTE",
    "THESIS",
    "broken",
    "colour",
    "drawing",
    "marker",
    "save_figure",
]

STAND_IN_NOTE = (
    "Stand-in, not the thesis's protocol: shows that the workflow runs, not what the thesis found."
)

NORMAL, ABNORMAL, THESIS = "#0072b2", "#d55e00", "0.45"
"""Colours of normal images, abnormal images and the thesis's figures."""

STYLE: "dict[RcKeyType, Any]" = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,
}
PNG_DPI, PDF_DPI = 120, 150
LEAST_WIDTH = 6.2  # inches: room for the notes

COLOURS = {
    "fusionmedclip": "#b2182b",
    "patchcore": "#332288",
    "simplenet": "#56b4e9",
    "squid": "#009e73",
    "anoddpm": "#cc79a7",
    "cutpaste": "#e69f00",
    "regad": "#999933",
    # Rows 1 to 5 of the ablation: one hue, darker with each part, towards the whole model's.
    "clip": "#dcb5a2",
    "roco_clip": "#cc9174",
    "coop": "#b9704e",
    "coop_umls": "#975230",
    "align_adapter": "#6e3416",
    # Controls: greys.
    "mean_brightness": "#bdbdbd",
    "border_darkness": "#a3a3a3",
    "image_area": "#8a8a8a",
    "image_aspect": "#737373",
    "file_size": "#5c5c5c",
    "file_type": "#454545",
    "random_weights": "#2b2b2b",
}
"""Told apart by readers with any form of colour blindness in their order of lightness; markers differ too."""

_OTHERS = ("#117733", "#88ccee", "#ddcc77", "#cc6677", "#882255", "#aa4499", "#44aa99")
_MARKERS = {"fusionmedclip": "o", "patchcore": "s", "simplenet": "^", "squid": "v", "anoddpm": "P"}
_MARKERS |= {"cutpaste": "X", "regad": "<", "clip": "<", "roco_clip": ">", "coop": "p", "coop_umls": "h"}
_MARKERS |= {"align_adapter": "H"}
_FREE = "d8D>"  # filled alike: a star nearly vanishes below its white edge


def colour(method: str) -> str:
    """The colour of a method in every figure; one that is not listed gets one by its name."""
    return COLOURS.get(method) or _OTHERS[crc32(method.encode()) % len(_OTHERS)]


def marker(method: str) -> str:
    """The marker of a method in every figure."""
    return _MARKERS.get(method) or _FREE[crc32(method[::-1].encode()) % len(_FREE)]


def broken(title: str, width: int) -> str:
    """A title in lines of ``width`` characters at most, broken between words."""
    return "\n".join(wrap(title, width, break_long_words=False))


@contextmanager
def drawing(
    out: str | Path,
    *,
    lines: int = 1,
    columns: int = 1,
    panel: tuple[float, float],
    gap: tuple[float, float] = (0.55, 0.55),
    margins: tuple[float, float, float, float] = (0.55, 0.15, 0.4, 0.5),
    title: str = "",
    notes: Iterable[str] = (),
    stand_in: bool = False,
    share: Literal["none", "all", "row", "col"] | bool = False,
    pictures: bool = False,
) -> Iterator[tuple["Figure", "np.ndarray"]]:
    """A figure of ``lines`` x ``columns`` panels, saved as PNG and PDF when the block ends.

    Sizes are inches and nothing is measured by drawing, so that each file is rendered once.

    Parameters
    ----------
    out : path
        ``.png``; the PDF lies beside it.
    lines, columns : int
    panel, gap : (float, float)
        Width and height of a panel, and the space between two.
    margins : (float, float, float, float)
        Left, right, top below the title, bottom above the notes.
    title : str
    notes : iterable of str
        Lines below the panels.
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.
    share : str or bool
        Y axes shared, as ``sharey`` of ``Figure.subplots``.
    pictures : bool
        Whether the panels hold pictures: the PNG then has 256 colours, or 52 greys, for its size.

    Yields
    ------
    figure, axes : Figure, (lines, columns) array of Axes
    """
    import matplotlib
    from matplotlib.figure import Figure

    notes = [*notes, *([STAND_IN_NOTE] if stand_in else [])]
    left, right, top, bottom = margins
    top, bottom = top + 0.28 * bool(title), bottom + 0.16 * len(notes) + 0.04 * bool(notes)
    right = max(right, LEAST_WIDTH - left - columns * panel[0] - (columns - 1) * gap[0])
    width = left + columns * panel[0] + (columns - 1) * gap[0] + right
    height = bottom + lines * panel[1] + (lines - 1) * gap[1] + top
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        axes = figure.subplots(lines, columns, squeeze=False, sharey=share)
        figure.subplots_adjust(
            left=left / width,
            right=1 - right / width,
            bottom=bottom / height,
            top=1 - top / height,
            wspace=gap[0] / panel[0],
            hspace=gap[1] / panel[1],
        )
        if title:
            figure.text(0.08 / width, 1 - 0.08 / height, title, ha="left", va="top", fontsize=10)
        for line, note in enumerate(reversed(notes)):
            figure.text(
                0.08 / width, (0.06 + 0.16 * line) / height, note, va="bottom", fontsize=7, color="0.35"
            )
        yield figure, axes
        save_figure(figure, out, pictures=pictures)


def save_figure(figure: "Figure", path: str | Path, *, pictures: bool = False) -> None:
    """Save as PNG and, beside it, PDF; the bytes hold no date and no version."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.set_dpi(PNG_DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    image = Image.fromarray(pixels)
    if pictures and (pixels == pixels[..., :1]).all():
        image = Image.fromarray((pixels[..., 0] // 5 * 5).astype(np.uint8))
    elif pictures:
        image = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    image.save(path.with_name(f"{path.stem}.png"), dpi=(PNG_DPI, PNG_DPI), compress_level=9)
    blank = {"CreationDate": None, "Creator": None, "Producer": None}
    figure.savefig(path.with_name(f"{path.stem}.pdf"), dpi=PDF_DPI, metadata=blank)
