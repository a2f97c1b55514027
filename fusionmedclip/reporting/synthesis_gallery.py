"""Gallery of synthetic anomalies: what training sees, task by task, on real support images."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator
from fusionmedclip.synthesis import TASKS, SynthesisSettings, synthesize

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_synthesis_gallery"]

PANEL_INCHES = 1.25

CAPTIONS = {
    "identity": "Identity",
    "cutpaste": "CutPaste",
    "poisson": "Enhanced structural\n(Poisson, Eq. 12)",
    "gaussian": "Gaussian intensity",
    "density": "Enhanced density\n(Eq. 13)",
    "source": "Source",
    "sink": "Sink",
    "guided": "Guided deformation",
}


def draw_synthesis_gallery(
    support: np.ndarray,
    *,
    out: Path | str,
    settings: SynthesisSettings | None = None,
    seed: int = 0,
    title: str = "",
    examples: int = 3,
) -> tuple[Path, Path]:
    """Draw each task's anomalies on support images: before, after and mask.

    Parameters
    ----------
    support : (k, H, W) float32 array
        Normal images, grey, in [0, 1].
    out : path
        Without suffix: ``.png`` and ``.pdf`` are added (or replace one another). Its folder is made where
        it is missing.
    settings : SynthesisSettings, optional
    seed : int
        Keys the examples, apart from those that training draws.
    title : str
        Drawn above the panels.
    examples : int
        Examples a task, from 1; each from another support image while there are enough.

    Returns
    -------
    (png, pdf) : paths written

    Raises
    ------
    InputError
        Where ``examples`` is less than 1, or the support images cannot be used.
    """
    if examples < 1:
        raise InputError("examples of a gallery", received=examples, allowed="1 or more")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PANEL_INCHES * (3 * examples + 1.3), PANEL_INCHES * (len(TASKS) + 0.6)))
    axes = figure.subplots(len(TASKS), 3 * examples, squeeze=False)
    for row, task in enumerate(TASKS):
        for example in range(examples):
            base = support[(row + example) % len(support)]
            rng = generator(seed, "gallery", task, example)
            image, mask = synthesize(base, support, task=task, rng=rng, settings=settings)
            for column, panel in enumerate((base, image, mask.astype(np.float32))):
                _show(axes[row, 3 * example + column], panel)
    for row, task in enumerate(TASKS):
        axes[row, 0].set_ylabel(CAPTIONS[task], rotation=0, ha="right", va="center", fontsize=9)
    for column in range(3 * examples):
        axes[0, column].set_title(("before", "after", "mask")[column % 3], fontsize=9)
    figure.suptitle(title, fontsize=11)
    figure.subplots_adjust(left=1.25 / (3 * examples + 1.3), right=0.995, bottom=0.005, top=0.94)
    figure.subplots_adjust(wspace=0.03, hspace=0.03)
    return _save(figure, Path(out))


def _show(axis: "Axes", panel: np.ndarray) -> None:
    axis.imshow(panel, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def _save(figure: "Figure", out: Path) -> tuple[Path, Path]:
    out.parent.mkdir(parents=True, exist_ok=True)
    stem = out.with_suffix("") if out.suffix in (".png", ".pdf") else out
    png, pdf = stem.with_name(stem.name + ".png"), stem.with_name(stem.name + ".pdf")
    # Without dates the same settings give the same bytes.
    figure.savefig(png, dpi=150, metadata={"Software": None})
    figure.savefig(pdf, dpi=150, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return png, pdf
