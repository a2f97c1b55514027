"""The figures, an entry each: title, what draws it, what it is drawn from, its caption.

The report and the workflow's own report (``snakemake --report``) show the same words.
"""

from collections.abc import Mapping
from typing import NamedTuple

from fusionmedclip.errors import InputError

__all__ = ["FIGURES", "Figure", "caption"]


class Figure(NamedTuple):
    """A kind of figure.

    Attributes
    ----------
    title : str
    draws : str
        ``module:function`` of this folder.
    reads : str
        What it is drawn from: a selection of ``rules/figure_inputs.smk``.
    caption : str
    """

    title: str
    draws: str
    reads: str
    caption: str


FIGURES = {
    "anomaly_maps": Figure(
        "Anomaly maps",
        "map_gallery:draw_map_gallery",
        "gallery",
        "Test images (above) and the outline of their truth (below), then each method's anomaly map "
        "(above) and the map laid over the image (below). The images were drawn by the seed of the "
        "split, two thirds of them abnormal, before any score was known. Each method's colours span "
        "its own smallest to largest value over the images shown.",
    ),
    "auroc_by_k": Figure(
        "AUROC against k",
        "auroc_by_k:draw_auroc_by_k",
        "tables_by_k",
        "AUROC against the number k of normal support images, with 95 % intervals of the mean over "
        "seeds; faint marks are what the thesis prints. Where a table has a single k, one line a "
        "method.",
    ),
    "ablation": Figure(
        "Ablation steps",
        "ablation_steps:draw_ablation_steps",
        "tables_by_row",
        "AUROC as one part after another is switched on, from the first row of the ablation to the "
        "last, with 95 % intervals; hollow marks are what the thesis prints.",
    ),
    "ranks": Figure(
        "Ranks of the methods",
        "rank_diagram:draw_ranks",
        "ranks",
        "Average rank of each method over the cells of a table, 1 for the best. A bar joins methods "
        "whose ranks differ by less than Nemenyi's critical difference, with data sets as the "
        "independent blocks; few data sets make it wide.",
    ),
    "roc_pr": Figure(
        "ROC and precision-recall curves",
        "roc_pr:draw_roc_pr",
        "curve_scores",
        "ROC and precision-recall curves on the test images, a panel row for each table at its "
        "largest k; thin lines are seeds, thick lines their mean. The numbers are the mean area under "
        "the seeds' curves.",
    ),
    "score_histograms": Figure(
        "Score histograms",
        "score_histograms:draw_score_histograms",
        "histogram_scores",
        "Image scores of normal and abnormal test images, each as a share of its class, all seeds "
        "together, each in interquartile ranges of its normal images; more anomalous is further right.",
    ),
    "cost_accuracy": Figure(
        "Cost against accuracy",
        "cost_accuracy:draw_cost_accuracy",
        "cost_records",
        "Image AUROC against what a run costs: time to fit, time to score an image, peak memory and "
        "trained parameters, as means over seeds at each method's largest k. Times are of this "
        "machine and differ from run to run. Methods that other data's labels taught have panels of their "
        "own, which compare with no others.",
    ),
    "training": Figure(
        "Training curves",
        "training_curves:draw_training_curves",
        "training_logs",
        "Training loss of the methods that are trained by steps; grey lines are seeds, the coloured "
        "line is their mean, smoothed over a twentieth of the run.",
    ),
    "stage1": Figure(
        "Stage 1 curves",
        "pretrain_curves:draw_pretrain_curves",
        "stage1_curves",
        "Stage 1: contrastive loss, retrieval both ways and, where captions have labels, zero-shot "
        "accuracy after each epoch; dotted lines are chance.",
    ),
    "synthesis": Figure(
        "Synthetic anomalies",
        "synthesis_gallery:synthesis_gallery",
        "synthesis_gallery",
        "Synthetic anomalies as training draws them, a line a task: support image before, after, and "
        "the mask that training gets, for three examples.",
    ),
}
"""By kind, in the order shown. A file is named by its kind and, where there are several, by what it is of."""


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
    kinds = [kind for kind in FIGURES if stem == kind or stem.startswith(f"{kind}_")]
    if not kinds:
        raise InputError("no such kind of figure", received=stem, allowed=", ".join(FIGURES))
    kind = max(kinds, key=len)
    name = stem.removeprefix(kind).removeprefix("_")
    title = FIGURES[kind].title
    return f"{title}: {(titles or {}).get(name, name)}" if name else title, FIGURES[kind].caption
