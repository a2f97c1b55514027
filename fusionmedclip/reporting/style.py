"""One look for every figure, and one way to save it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["STAND_IN_NOTE", "new_figure", "save_figure"]

STAND_IN_NOTE = "Stand-in data or weights: shows that the workflow runs, not what the thesis found."

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "fusionmedclip",
    "legend.frameon": False,
}


def new_figure(*args, **kwargs):
    """``matplotlib.pyplot.subplots`` in the project's style, without a display."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update(STYLE)
    from matplotlib import pyplot

    return pyplot.subplots(*args, **kwargs)


def save_figure(figure: "Figure", path: str | Path) -> None:
    """Save as ``path`` and free the figure; the bytes hold no date."""
    from matplotlib import pyplot

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None} if path.suffix == ".png" else None)
    pyplot.close(figure)
