"""Gallery of synthetic anomalies: what training sees, task by task, on real support images."""

from pathlib import Path

import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator
from fusionmedclip.synthesis import TASKS, SynthesisSettings, synthesize

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
        Written with the suffixes ``.png`` and ``.pdf``; its folder is made where it is missing.
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


def _show(axis: object, panel: np.ndarray) -> None:
    axis.imshow(panel, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def _save(figure: object, out: Path) -> tuple[Path, Path]:
    out.parent.mkdir(parents=True, exist_ok=True)
    png, pdf = out.with_suffix(".png"), out.with_suffix(".pdf")
    # Without dates the same settings give the same bytes.
    figure.savefig(png, dpi=150, metadata={"Software": None})
    figure.savefig(pdf, dpi=150, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return png, pdf
