"""The command that compares methods on one's own images."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from fusionmedclip.cli.models import Colour, Folds, Rule, Slices
from fusionmedclip.cli.shared import Configs, Device, MaskSuffix, Preset, config_files, console, readable, say

_FEW = 20


def compare(
    normals: Annotated[Path, typer.Argument(help="Folder of normal images and volumes.")],
    abnormals: Annotated[
        Path | None, typer.Argument(help="Folder of abnormal ones; without it anomalies are made.")
    ] = None,
    methods: Annotated[
        str, typer.Option(help="Methods of the configuration, with commas between.")
    ] = "mean_brightness,patchcore,fusionmedclip",
    config: Configs = None,
    preset: Preset = None,
    mask_suffix: MaskSuffix = None,
    device: Annotated[Device | None, typer.Option(help="In place of the configuration's.")] = None,
    seed: int = 0,
    folds: Folds = 4,
    slices: Slices = 8,
    rule: Rule = "max",
    colour: Colour = False,
    out: Annotated[Path | None, typer.Option(help="CSV for the table.")] = None,
) -> None:
    """Fit several methods on normal images and say which can be told apart on images left out.

    Each normal image is scored by a model that was fitted without it. Nothing is chosen for you: a table, its
    intervals, and what no such number of images can show.
    """
    from fusionmedclip.config import load_config
    from fusionmedclip.errors import InputError
    from fusionmedclip.lab.given import check_parameters
    from fusionmedclip.lab.recipe import recipe_of
    from fusionmedclip.lab.requests import check_compared
    from fusionmedclip.lab.support import support_inputs
    from fusionmedclip.lab.tables import write_csv
    from fusionmedclip.outputs import check_writable

    with readable():
        if out is not None:
            if out.exists():
                raise InputError(f"{out}: is there already", hint="give another name: --out")
            check_writable(out.parent)
        asked = load_config(config_files(config, preset))
        names = [name.strip() for name in methods.split(",") if name.strip()]
        for name in names:
            recipe_of(asked, name)
        check_parameters({"folds": folds, "slices": slices, "rule": rule, "seed": seed})
        normal = support_inputs([normals], mask_suffix=mask_suffix)
        abnormal = support_inputs([abnormals], mask_suffix=mask_suffix) if abnormals else []
        check_compared(normal, abnormal)
        from fusionmedclip.lab.compare import compare_methods  # here, since torch takes seconds

        found = compare_methods(
            asked,
            names,
            normal,
            abnormal,
            folds=folds,
            slices=slices,
            rule=rule,
            seed=seed,
            device=device,
            luma=colour,
        )
    _show(found)
    if out is not None:
        with readable():
            write_csv(out, *_sheet(found))


def _show(found) -> None:
    """The comparison as a reader wants it: the table, what can be told apart, and what cannot."""
    from fusionmedclip.lab.card import NO_DEVICE

    sheet = Table("method", "AUROC", "95 % interval", "rests on")
    for name, auroc in found.aurocs.items():
        interval = f"{100 * auroc.low:.1f} to {100 * auroc.high:.1f}"
        sheet.add_row(name, f"{100 * auroc.estimate:.1f}", interval, escape(found.recipes[name].rests_on))
    console.print(sheet)
    what = "anomalies made into the left-out ones" if found.made else "abnormal inputs"
    say(f"{found.normal} normal inputs, each scored without it in the fit ({found.folds} parts); ", end="")
    say(f"{found.abnormal} {what}")
    for note in found.notes:
        say(f"note: {note}")
    for pair in found.pairs:
        say(_told(pair))
    for line in _limits(found):
        say(line)
    say(NO_DEVICE)


def _sheet(found) -> tuple[tuple[str, ...], list[tuple]]:
    """Columns and rows of the table as a file."""
    counts = (found.normal, found.abnormal, found.made)
    rows = [
        (name, a.estimate, a.low, a.high, *counts, found.recipes[name].rests_on)
        for name, a in found.aurocs.items()
    ]
    return ("method", "auroc", "low", "high", "normal", "abnormal", "made", "rests_on"), rows


def _told(pair) -> str:
    """One pair in words."""
    points = [
        100 * value for value in (pair.difference.difference, pair.difference.low, pair.difference.high)
    ]
    numbers = f"{points[0]:+.1f} points, {points[1]:+.1f} to {points[2]:+.1f}"
    if pair.p_value is None:
        return (
            f"{pair.first} and {pair.second}: {points[0]:+.1f} points, of which these images give no variance"
        )
    apart = "are told apart" if pair.p_value <= 0.05 else "cannot be told apart"
    return f"{pair.first} and {pair.second} {apart} ({numbers}, corrected p = {pair.p_value:.3f})"


def _limits(found) -> list[str]:
    """What this comparison cannot show."""
    lines = [
        "Intervals are over these images (DeLong), not over other support sets, which move AUROCs as much."
    ]
    if found.made:
        lines.append(
            "Made anomalies are not lesions, and methods that train on their like are favoured by them."
        )
    if min(found.normal, found.abnormal) < _FEW:
        reach = max((a.high - a.low) / 2 for a in found.aurocs.values())
        lines.append(f"With so few images an AUROC is known to within {100 * reach:.0f} points.")
    if any(recipe.stand_in for recipe in found.recipes.values()):
        lines.append("Stand-in backbones say nothing about the methods on the backbones that they stand for.")
    return lines
