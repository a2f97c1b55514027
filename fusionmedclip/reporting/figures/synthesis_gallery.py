"""Gallery of synthetic anomalies: what training sees, task by task, on real support images."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.data.sources.manifest import read_manifest
from fusionmedclip.errors import InputError
from fusionmedclip.luma import as_grey
from fusionmedclip.randomness import generator
from fusionmedclip.reporting.figures.mosaic import draw_mosaic, grey, place, size_of
from fusionmedclip.reporting.figures.style import drawing
from fusionmedclip.settings import build
from fusionmedclip.synthesis import TASKS, SynthesisSettings, synthesize

__all__ = ["draw_synthesis_gallery", "synthesis_gallery"]

PANEL_INCHES = 0.75

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


def synthesis_gallery(
    *,
    manifest: str | Path,
    images: str | Path,
    support: str | Path,
    settings: Mapping,
    seed: int,
    title: str,
    stand_in: bool,
    out: str | Path,
) -> None:
    """Draw every synthesis task on one support set, with the settings that training uses."""
    ids = pd.read_csv(support, keep_default_na=False, dtype={"image_id": str})["image_id"]
    rows = pd.Index(read_manifest(manifest)["image_id"]).get_indexer(ids)
    draw_synthesis_gallery(
        as_grey(np.array(np.load(images, mmap_mode="r")[rows])),
        out=out,
        settings=build(SynthesisSettings, settings, where="synthesis"),
        seed=seed,
        title=f"{title}: synthetic anomalies on support images, seed {seed}",
        stand_in=stand_in,
    )


def draw_synthesis_gallery(
    support: np.ndarray,
    *,
    out: Path | str,
    settings: SynthesisSettings | None = None,
    seed: int = 0,
    title: str = "",
    examples: int = 3,
    stand_in: bool = False,
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
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.

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
    out = Path(out)
    stem = out.with_suffix("") if out.suffix in (".png", ".pdf") else out
    png, pdf = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "pdf"))
    columns = 3 * examples
    with drawing(
        png,
        panel=(size_of(columns, PANEL_INCHES), size_of(len(TASKS), PANEL_INCHES)),
        margins=(1.45, 0.05, 0.25, 0.05),
        title=title,
        stand_in=stand_in,
        pictures=True,
    ) as (_, axes):
        axis = axes[0, 0]
        side = draw_mosaic(axis, [_line(task, support, settings, seed, examples) for task in TASKS])
        for row, task in enumerate(TASKS):
            y = place(row, 0, side)[0] + side / 2
            axis.text(-0.08 * side, y, CAPTIONS[task], ha="right", va="center")
        for column in range(columns):
            x = place(0, column, side)[1] + side / 2
            axis.text(x, -0.04 * side, ("before", "after", "mask")[column % 3], ha="center", va="bottom")
    return png, pdf


def _line(
    task: str, support: np.ndarray, settings: SynthesisSettings | None, seed: int, examples: int
) -> list[np.ndarray]:
    """Before, after and mask of each example, (H, W, 3) each."""
    panels = []
    for example in range(examples):
        base = support[(list(TASKS).index(task) + example) % len(support)]
        rng = generator(seed, "gallery", task, example)
        image, mask = synthesize(base, support, task=task, rng=rng, settings=settings)
        panels += [grey(panel) for panel in (base, image, mask.astype(np.float32))]
    return panels
