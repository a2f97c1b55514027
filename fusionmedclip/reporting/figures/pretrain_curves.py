"""Stage 1 as a figure: loss, retrieval both ways and, where there are labels, zero-shot accuracy."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.figures.style import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_pretrain_curves"]

_COLUMNS = {"epoch", "split", "metric", "value", "chance"}
_LINES = {"r1": "#0072b2", "r5": "#d55e00", "r10": "#009e73"}
_WAYS = {"image_to_text": "image to text", "text_to_image": "text to image"}


def draw_pretrain_curves(*, curves: Path, title: str, stand_in: bool, out: Path) -> None:
    """Draw what Stage 1 wrote into ``retrieval.csv``.

    Parameters
    ----------
    curves : Path
        Columns ``epoch`` (0 is before training), ``split``, ``metric``, ``value``, ``chance``.
    title : str
        Of the backbone.
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.
    out : Path

    Raises
    ------
    InputError
        If a column is missing or the table has no validation loss.
    """
    table = pd.read_csv(curves)
    missing = sorted(_COLUMNS - set(table.columns))
    if missing:
        raise InputError(f"{curves}: columns are missing", received=list(table.columns), allowed=str(missing))
    if _rows(table, "validation", "loss").empty:
        raise InputError(f"{curves}: no validation loss", hint="is this the retrieval.csv of a Stage 1 run?")
    labelled = (table["metric"] == "zero_shot_accuracy").any()
    count = 4 if labelled else 3
    with drawing(
        out,
        columns=count,
        panel=(2.1, 1.6),
        gap=(0.45, 0),
        margins=(0.45, 0.1, 0.3, 0.45),
        title=f"Stage 1: {title}",
        notes=["Dotted: chance. Training loss is of mixed pairs with smoothed labels."],
        stand_in=stand_in,
    ) as (_, axes):
        axes = axes[0]
        _draw_loss(axes[0], table)
        for axis, (way, name) in zip(axes[1:3], _WAYS.items(), strict=True):
            _draw_recall(axis, table, way, name)
        if labelled:
            _draw_accuracy(axes[3], table)
        for axis in axes:
            axis.set_xlabel("epoch")
            axis.xaxis.get_major_locator().set_params(integer=True)


def _rows(table: pd.DataFrame, split: str, metric: str) -> pd.DataFrame:
    return table[(table["split"] == split) & (table["metric"] == metric)].sort_values("epoch")


def _draw_loss(axis: "Axes", table: pd.DataFrame) -> None:
    for split, colour in (("train", "0.6"), ("validation", "#0072b2")):
        rows = _rows(table, split, "loss")
        label = "training" if split == "train" else split
        axis.plot(rows["epoch"], rows["value"], color=colour, marker=".", label=label)
    axis.axhline(_rows(table, "validation", "loss")["chance"].iloc[0], color="#0072b2", linestyle=":")
    axis.set_title("contrastive loss")
    axis.legend()


def _draw_recall(axis: "Axes", table: pd.DataFrame, way: str, name: str) -> None:
    for rank, colour in _LINES.items():
        rows = _rows(table, "validation", f"{way}_{rank}")
        axis.plot(rows["epoch"], rows["value"], color=colour, marker=".", label=rank.replace("r", "R@"))
        if len(rows):
            axis.axhline(rows["chance"].iloc[0], color=colour, linestyle=":")
    axis.set_ylim(0, 1.35 * axis.get_ylim()[1])  # room for the legend
    axis.set_title(f"recall, {name}")
    axis.legend(loc="upper left", ncols=3, handlelength=1)


def _draw_accuracy(axis: "Axes", table: pd.DataFrame) -> None:
    rows = _rows(table, "validation", "zero_shot_accuracy")
    axis.plot(rows["epoch"], rows["value"], color="#0072b2", marker=".")
    if len(rows):
        axis.axhline(rows["chance"].iloc[0], color="#0072b2", linestyle=":")
    axis.set_ylim(0, 1)
    axis.set_title("zero-shot accuracy")
