"""Image AUROC against what a run costs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fusionmedclip.pipeline.files import read_json
from fusionmedclip.reporting.figures.style import broken, colour, drawing, marker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COSTS", "cost_of", "draw_cost_accuracy"]

COSTS = {
    "fit": "fit, s",
    "score": "score, ms an image",
    "memory": "peak memory, GiB",
    "parameters": "trained parameters",
}
_LABELLED = "trained on other data with labels"
_FEW = 100
"""Trained parameters below which the axis is linear; no method trains fewer, but none."""


def cost_of(record: Mapping) -> dict[str, float]:
    """Costs of a run from its metrics file, NaN where it names none; keys are those of ``COSTS``."""
    timing, parameters = record.get("timing", {}), record.get("trained_parameters")
    rate, peak = timing.get("images_per_s"), record.get("memory", {}).get("peak_bytes")
    return {
        "fit": timing.get("fit_s", np.nan),
        "score": 1000 / rate if rate else np.nan,
        "memory": peak / 2**30 if peak else np.nan,
        "parameters": np.nan if parameters is None else float(sum(parameters.values())),
    }


def draw_cost_accuracy(
    *,
    figures: Sequence[tuple[str, Mapping]],
    titles: Mapping[str, str],
    stand_in: bool,
    folder: str | Path,
) -> None:
    """Draw ``cost_accuracy``, a line of panels a data set, and one for what was trained with labels.

    Parameters
    ----------
    figures : sequence of (data set, group)
        A group is ``runs``, method to metrics files, one a seed, and ``labelled``: whether it is of tables
        that hold a method taught by other data's labels, which compare with no others.
    titles : mapping
        Of data sets and methods.
    stand_in : bool
        Whether to say that what is shown was not made by the thesis's protocol.
    folder : path
    """
    records = [
        (d, group["labelled"], {m: [read_json(p) for p in files] for m, files in dict(group["runs"]).items()})
        for d, group in figures
    ]
    every = [record for *_, methods in records for runs in methods.values() for record in runs]
    devices = sorted({record["provenance"].get("device", "an unnamed device") for record in every})
    methods = list(dict.fromkeys(method for *_, entry in records for method in entry))
    labelled = any(of_labels for _, of_labels, _ in records)
    apart = [f"{_LABELLED[0].upper()}{_LABELLED[1:]}: not comparable with other panels."] if labelled else []
    with drawing(
        Path(folder, "cost_accuracy.png"),
        lines=len(records),
        columns=len(COSTS),
        panel=(1.75, 1.6),
        gap=(0.25, 0.75),
        margins=(0.65, 1.75, 0.3, 0.45),
        title="Cost against image AUROC",
        notes=[f"Means over seeds, measured on {'; '.join(devices)}. Times differ from run to run.", *apart],
        stand_in=stand_in,
        share="row",
    ) as (figure, axes):
        for line, (dataset, of_labels, runs) in zip(axes, records, strict=True):
            for axis, (cost, name) in zip(line, COSTS.items(), strict=True):
                for method, seeds in runs.items():
                    x = float(np.mean([cost_of(seed)[cost] for seed in seeds]))
                    y = float(np.mean([seed["metrics"]["image_auroc"] for seed in seeds]))
                    style = {"color": colour(method), "markeredgecolor": "w", "markersize": 7}
                    axis.plot([x], [y], marker(method), **style, clip_on=False)  # whole at the edges, too
                _scale(axis, cost)
                axis.axhline(0.5, color="0.8", linewidth=0.7, linestyle=":", zorder=0)
                axis.set_xlabel(name)
            line[0].set_ylabel("image AUROC")
            title = titles.get(dataset, dataset) + (f", {_LABELLED}" if of_labels else "")
            line[0].set_title(title, loc="left")
        handles = [
            axes[0, -1].plot([], [], marker(m), color=colour(m), label=broken(titles.get(m, m), 24))[0]
            for m in methods
        ]
        right = axes[0, -1].get_position().x1
        figure.legend(handles=handles, loc="center left", bbox_to_anchor=(right + 0.01, 0.5))


def _scale(axis: "Axes", cost: str) -> None:
    """The axis of a cost: logarithmic but for memory; nothing trained has a place of its own beside it."""
    from matplotlib.ticker import LogLocator

    if cost == "parameters":
        axis.set_xscale("symlog", linthresh=_FEW, linscale=1)
        most = max(1e3, 3 * axis.dataLim.x1)
        ticks = {0: "0", 1e3: "1 k", 1e5: "100 k", 1e7: "10 M", 1e9: "1 G"}
        axis.set_xlim(-_FEW / 2, most)
        axis.set_xticks(shown := [at for at in ticks if at <= most], [ticks[at] for at in shown])
        axis.axvspan(-_FEW / 2, _FEW / 2, color="0.95", linewidth=0, zorder=0)
    elif cost == "memory":
        axis.set_xlim(0, 1.08 * axis.dataLim.x1 if np.isfinite(axis.dataLim.x1) else None)
        axis.locator_params(axis="x", nbins=4)
    else:
        axis.set_xscale("log")
        axis.margins(x=0.08)
        wide = axis.dataLim.x1 > 30 * max(axis.dataLim.x0, 1e-9)  # a tick a decade; more would touch
        axis.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 3)))
        axis.xaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
