"""Commands for one's own images: fit a model, score with it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fusionmedclip.cli.shared import Configs, Device, MaskSuffix, Preset, config_files, readable, say

Folds = Annotated[
    int, typer.Option(help="Parts of the normals left out in turn, for thresholds and figures; 0: none.")
]
Colour = Annotated[bool, typer.Option("--colour", help="Take the luma of pictures in colour, unasked.")]
Slices = Annotated[int, typer.Option(help="Slices of each volume to fit on, evenly spaced; 0: all.")]

Rule = Annotated[str, typer.Option(help="Score of a volume from its slices: max, top, mean.")]


def fit(
    normals: Annotated[
        list[Path], typer.Argument(help="Normal images and volumes, or folders with all that lies below.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to save the model in: a new one, or a saved model's.")],
    method: Annotated[str, typer.Option(help="Method of the configuration.")] = "fusionmedclip",
    config: Configs = None,
    preset: Preset = None,
    mask_suffix: MaskSuffix = None,
    device: Annotated[Device | None, typer.Option(help="In place of the configuration's.")] = None,
    seed: int = 0,
    folds: Folds = 4,
    slices: Slices = 8,
    rule: Rule = "max",
    colour: Colour = False,
    half: Annotated[bool, typer.Option("--half", help="Keep weights in half precision.")] = False,
    self_contained: Annotated[
        bool, typer.Option("--self-contained", help="Put the backbone itself into the folder.")
    ] = False,
) -> None:
    """Fit a method on normal images and save the model, with what it rests on.

    Any method of the configuration: fusionmedclip, patchcore, simplenet, squid, anoddpm, cutpaste, regad,
    winclip, patch_nn, controls, and what your own configuration adds.
    """
    from fusionmedclip.config import load_config
    from fusionmedclip.lab.card import NO_DEVICE, figure_text, threshold_text
    from fusionmedclip.lab.given import check_parameters
    from fusionmedclip.lab.recipe import recipe_of
    from fusionmedclip.lab.summary import number_of
    from fusionmedclip.lab.support import support_inputs
    from fusionmedclip.training.saved_record import check_place

    with readable():
        files = tuple(config_files(config, preset))
        recipe_of(load_config(files), method)
        check_parameters({"folds": folds, "slices": slices, "rule": rule, "seed": seed})
        check_place(out)
        support = support_inputs(normals, mask_suffix=mask_suffix)
        from fusionmedclip.lab.detector import AnomalyDetector  # here, since torch takes seconds

        model = AnomalyDetector(
            method,
            config=files,
            device=device,
            seed=seed,
            folds=folds,
            slices=slices,
            rule=rule,
            half=half,
            luma=colour,
        )
        model.fit(support)
        model.save(out, self_contained=self_contained)
    record = model.record_
    inputs = number_of(record["support"]["inputs"], "normal input")  # copies count once
    say(f"fitted {record['title']} on {inputs}; saved in {out}")
    for note in record["support"]["notes"]:
        say(f"note: {note}")
    say(f"rests on {record['rests_on']}")
    say(f"on left-out support images: {figure_text(record)}")
    say(f"threshold: {threshold_text(record)}")
    say(NO_DEVICE)


def predict(
    model: Annotated[Path, typer.Argument(help="Folder that fit saved.")],
    inputs: Annotated[
        list[Path], typer.Argument(help="Images, volumes, series, or folders with all that lies below.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for everything; or a name that ends in .csv, for the scores alone.")
    ] = Path("prediction"),
    backbone: Annotated[
        Path | None, typer.Option(help="Where the frozen weights are now, if not where they were.")
    ] = None,
    mask_suffix: MaskSuffix = None,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.CPU,
    batch_size: Annotated[int | None, typer.Option(help="Slices scored at a time.")] = None,
    workers: Annotated[int | None, typer.Option(help="Threads that read files.")] = None,
    rule: Annotated[
        str | None, typer.Option(help="Score of a volume from its slices: max, top, mean; as fitted.")
    ] = None,
    axis: Annotated[int, typer.Option(help="Axis to cut NIfTI volumes along, in RAS order; 2: axial.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    part: Annotated[
        str | None, typer.Option(help="i/n: one part of n into the same folder; the last one joins them.")
    ] = None,
    colour: Colour = False,
    scores_only: Annotated[
        bool, typer.Option("--scores-only", help="Write the tables, and draw nothing.")
    ] = False,
) -> None:
    """Score images, volumes and series, and say what the scores rest on.

    Exit status 0: all of it was scored; 3: files were skipped, each with its reason in skipped.csv, and all
    others scored; 2: the request itself is wrong, and nothing was done.
    """
    from fusionmedclip.lab.asked import Asked
    from fusionmedclip.lab.journal import Part
    from fusionmedclip.lab.requests import prediction_request
    from fusionmedclip.lab.summary import number_of, summary_lines

    with readable():
        asked = Asked(
            rule=rule,
            axis=axis,
            batch_size=batch_size,
            workers=workers,
            device=device,
            part=Part.from_text(part),
            resume=resume,
            mask_suffix=mask_suffix,
            luma=colour,
        )
        request = prediction_request(model, inputs, out, asked=asked, backbone=backbone)
        if resume and not asked.part.file(out).is_file():
            say(f"{out}: nothing to resume there; all of it is scored")
        from fusionmedclip.lab.drawn import writers_for  # here, since torch takes seconds
        from fusionmedclip.lab.prediction import predict_files

        with _counting() as progress:
            done = predict_files(
                request,
                writers=None if scores_only else writers_for,
                progress=progress,
            )
    facts = done.prediction["model"]
    say(f"scored {number_of(len(done.rows), 'input')} with {facts['title']}; {out}")
    if done.replaced:
        say(f"another prediction was in {out}; this one has taken its place")
    for line in summary_lines(done.rows):
        say(line)
    if not done.complete:
        say(f"part {part} is done; the tables are written when all parts are: {', '.join(done.left)} missing")
    say(f"rests on {facts['rests_on']}")
    say(done.prediction["notice"])
    if done.skipped:
        say(f"skipped {len(done.skipped)}:")
        for file, why in done.skipped:
            say(f"  {file}: {why}")
        raise typer.Exit(3)


@contextlib.contextmanager
def _counting() -> Iterator:
    from fusionmedclip.lab.progress import stages

    with stages()("scoring") as report:
        yield lambda done, total: report({"step": done, "steps": total})
