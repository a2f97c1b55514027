"""What each figure shows: its title, and a sentence from the file of its kind in this folder.

The workflow's own report (``snakemake --report``) takes the same files.
"""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from fusionmedclip.errors import InputError

__all__ = ["TITLES", "Caption", "caption", "captions"]

TITLES = {
    "anomaly_maps": "Anomaly maps",
    "auroc_by_k": "AUROC against k",
    "ablation": "Ablation steps",
    "ranks": "Ranks of the methods",
    "roc_pr": "ROC and precision-recall curves",
    "score_histograms": "Score histograms",
    "cost_accuracy": "Cost against accuracy",
    "training": "Training curves",
    "stage1": "Stage 1 curves",
    "synthesis": "Synthetic anomalies",
}
"""Title of each kind of figure, in the order shown. A file is named by its kind and what it is of."""


class Caption(NamedTuple):
    """Words of one figure.

    Attributes
    ----------
    title, sentence : str
    path : str
    """

    title: str
    sentence: str
    path: str


def caption(stem: str, titles: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Title and sentence of the figure with this file stem.

    Parameters
    ----------
    stem : str
        ``{kind}`` or ``{kind}_{name}``, as ``roc_pr_busi``.
    titles : mapping, optional
        Of data sets, tables and backbones, by name.

    Raises
    ------
    InputError
        If no kind of figure is named so.
    """
    kinds = [kind for kind in TITLES if stem == kind or stem.startswith(f"{kind}_")]
    if not kinds:
        raise InputError("no such kind of figure", received=stem, allowed=", ".join(TITLES))
    kind = max(kinds, key=len)
    name = stem.removeprefix(kind).removeprefix("_")
    title = f"{TITLES[kind]}: {(titles or {}).get(name, name)}" if name else TITLES[kind]
    return title, " ".join((files(__name__) / f"{kind}.rst").read_text(encoding="utf-8").split())


def captions(paths: Iterable[str | Path], titles: Mapping[str, str] | None = None) -> list[Caption]:
    """Captions of figures, in the order given."""
    return [Caption(*caption(Path(path).stem, titles), str(path)) for path in paths]
