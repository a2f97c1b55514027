"""The console script: print tables, trace a number, fit on one's own images, predict, check a data set."""

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from fusionmedclip.errors import InputError

app = typer.Typer(
    help="Few-shot medical anomaly detection, reproducible row by row.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console()

Results = Annotated[Path, typer.Option(help="Folder of results.")]
Configs = Annotated[list[Path] | None, typer.Option("--config", help="Configuration; repeat for overlays.")]
Preset = Annotated[
    str | None, typer.Option(help="Overlay that comes with the package: demo, offline, paper and others.")
]
MaskSuffix = Annotated[
    str | None, typer.Option(help="What a mask's name has after its image's; '' where all are images.")
]


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


@contextlib.contextmanager
def _readable(*, err: bool = True) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        Console(stderr=err).print(f"[red]{type(error).__name__}[/]: ", end="")
        typer.echo(str(error), err=err)
        raise typer.Exit(2) from None


@app.command()
def tables(results: Annotated[Path, typer.Argument(help="Folder of results.")] = Path("results")) -> None:
    """Print the tables of results that were made, the thesis's first, those of settings left out."""
    from fusionmedclip.reporting.tables.appendix import APPENDIX

    made = [path for path in (results / "tables").glob("*.md") if path.stem not in APPENDIX]
    found = sorted(made, key=lambda path: (not path.stem.startswith("table"), path.stem))
    if not found:
        console.print(f"no tables in {results}/tables yet; make them: snakemake --cores 2 all_tables")
        raise typer.Exit(1)
    for path in found:
        console.rule(f"[bold]{path.stem}", align="left")
        console.print(Markdown(path.read_text()))
        console.print()


@app.command()
def trace(table: str, dataset: str, method: str, k: int, results: Results = Path("results")) -> None:
    """Walk from a printed number back to its files, settings and hashes, and compute it again."""
    from fusionmedclip.reporting.verification.trace import trace_cell

    with _readable():
        found = trace_cell(results, table, dataset, method, k)
    cell = found.cell
    console.print(
        f"[bold]{table} {dataset} {method} k={k}[/]: {cell['metric']} {cell['mean']:.6f} ({cell['status']})"
    )
    sheet = Table("run", "recorded", "from the scores", "settings", "commit", "inputs")
    for run in found.runs:
        provenance = run.record["provenance"]
        commit = (provenance["commit"] or "none")[:10] + (" (changed)" if provenance["dirty"] else "")
        inputs = f"{len(run.inputs)} as recorded" if not run.changed else f"changed: {', '.join(run.changed)}"
        settings = run.record["settings_digest"][:12] + ("" if run.settings_hold else " BROKEN")
        sheet.add_row(
            run.metrics.stem, f"{run.printed:.6f}", f"{run.recomputed:.6f}", settings, commit, inputs
        )
    console.print(sheet)
    told: dict[str, str] = {}
    for run in found.runs:
        console.print(f"{run.metrics} (its settings in full), from", highlight=False, soft_wrap=True)
        for name, sha in run.inputs.items():
            if told.get(name) != sha:  # manifest and split are the same for all
                console.print(f"  {sha[:16]}  {name}", highlight=False, soft_wrap=True)
        told |= run.inputs
    for said, names in (("is missing", found.missing), ("is of no run of the table", found.added)):
        for name in names:
            console.print(f"{results / name} {said}", highlight=False, soft_wrap=True)
    if found.column:
        console.print(f"the table's line, computed again: {found.column}", highlight=False, soft_wrap=True)
    console.print(
        f"mean computed again: {found.recomputed_mean:.6f}; "
        + ("it holds" if found.holds else "[red]it does not hold[/]")
    )
    if not found.holds:
        raise typer.Exit(1)


@app.command()
def verify(
    results: Annotated[Path, typer.Argument(help="Folder of results, wherever it lies.")] = Path("results"),
    config: Configs = None,
    preset: Preset = None,
) -> None:
    """Meet every cell of every table again, and name each file that was altered, deleted or added.

    With --config or --preset, the tables must also be those that the configuration asks for. Exit status 0:
    everything is met; 1: a file is named; 2: the request itself is wrong.
    """
    from fusionmedclip.config import load_config
    from fusionmedclip.reporting.tables.asked import asked_of
    from fusionmedclip.reporting.verification.verify import verify_results

    with _readable():
        asked = sources = None
        if config or preset:
            given = load_config(_files(config, preset))
            asked = asked_of(given)
            sources = {name: given.source(name) for name in given.data["datasets"]}
        found = verify_results(results, asked=asked, sources=sources)
    for finding in found.findings:
        line = f"[red]{finding.what}[/] {escape(str(results / finding.file))}: {escape(finding.why)}"
        console.print(line, highlight=False, soft_wrap=True)
    console.print(
        f"{found.met} of {found.cells} cells of {found.tables} tables are met again from {found.runs} runs; "
        + ("nothing else was found" if found.holds else f"[red]{len(found.findings)} files are named[/]")
    )
    for said in found.unchecked:
        console.print(f"not checked: {escape(said)}", highlight=False, soft_wrap=True)
    if not found.holds:
        raise typer.Exit(1)


@app.command()
def check(
    dataset: Annotated[
        str, typer.Argument(help="Data set of the configuration, a folder of images, or a table (.csv).")
    ],
    config: Configs = None,
    preset: Preset = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the data, in place of the configuration's.")
    ] = None,
    normal: Annotated[list[str] | None, typer.Option(help="Subfolder of normal images; repeat.")] = None,
    abnormal: Annotated[list[str] | None, typer.Option(help="Subfolder of abnormal images; repeat.")] = None,
    masks: Annotated[str | None, typer.Option(help="Subfolder of masks named like their images.")] = None,
    mask_suffix: MaskSuffix = None,
) -> None:
    """Report what is understood of a data set: counts, sizes, masks, duplicates, what is wrong.

    Exit status 0: it can be used; 1: something has to be mended, all of it is listed; 2: the request itself
    is wrong.
    """
    from fusionmedclip.data.curation.check import check_dataset

    with _readable(err=False):  # what is wrong is what was asked for
        given = {"normal": normal, "abnormal": abnormal, "mask_folder": masks}
        source = _source(dataset, config, preset, data, folders={k: v for k, v in given.items() if v})
        if mask_suffix is not None:
            source = {**source, "mask_suffix": mask_suffix}
        report = check_dataset(source, dataset=Path(dataset).name)
    typer.echo(report.text())
    if not report.usable:
        raise typer.Exit(1)


def _source(
    dataset: str, config: list[Path] | None, preset: str | None, data: Path | None, *, folders: dict
) -> dict:
    """What ``check`` was asked to look at, as a source."""
    from fusionmedclip.config import Config, load_config

    if folders:
        return {"kind": "folder", "path": dataset, "normal": [], "abnormal": [], **folders}
    if dataset.lower().endswith(".csv"):
        return {"kind": "csv", "path": dataset}
    folder, files = Path(dataset), _files(config, preset)
    loaded = load_config(files) if files or preset or not folder.is_dir() else None
    if folder.is_dir() and (loaded is None or dataset not in loaded.data["datasets"]):
        names = ", ".join(sorted(item.name for item in folder.iterdir() if item.is_dir()))
        raise InputError(
            "which of its folders are normal, which abnormal?",
            received=dataset,
            allowed=names or "it holds no folders",
            hint=f"fusionmedclip check {dataset} --normal NAME --abnormal NAME",
        )
    loaded = cast(Config, loaded)  # a folder that no configuration names was refused
    if data is not None:
        loaded = Config({**loaded.data, "data": str(data)})
    if dataset not in loaded.data["datasets"]:
        known = ", ".join(loaded.data["datasets"])
        hint = "an entry of an overlay needs --config OVERLAY.yaml, a folder --normal NAME --abnormal NAME"
        raise InputError(
            "no such data set", received=dataset, allowed=f"{known}, a folder or a .csv", hint=hint
        )
    return loaded.source(dataset)


@app.command()
def fit(
    images: Annotated[list[Path], typer.Argument(help="Normal images, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="Folder to save the model in: a new one, or a saved model's.")],
    method: Annotated[str, typer.Option(help="Method of the configuration.")] = "fusionmedclip",
    config: Configs = None,
    preset: Preset = None,
    mask_suffix: MaskSuffix = None,
    device: Annotated[Device | None, typer.Option(help="In place of the configuration's.")] = None,
    seed: int = 0,
) -> None:
    """Fit FusionMedCLIP on normal images and save the model."""
    from fusionmedclip import FusionMedCLIP
    from fusionmedclip.data.files.images import image_files
    from fusionmedclip.training.saved import check_place

    with _readable():
        support = image_files(images, mask_suffix=mask_suffix)
        check_place(out)
        model = FusionMedCLIP.from_config(_files(config, preset), method=method, device=device)
        steps = model.settings.optimiser.steps(len(support))
        with _bar(steps) as progress:
            model.fit(support, seed=seed, progress=progress)
        model.save(out)
    console.print(f"fitted on {len(support)} images: {model.trained_parameters()}; saved in {out}")


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="Folder that fit saved.")],
    images: Annotated[list[Path], typer.Argument(help="Images, or a folder of them.")],
    out: Annotated[
        Path, typer.Option(help="CSV of scores, maps beside it as .npy; or a folder for both.")
    ] = Path("scores.csv"),
    backbone: Annotated[
        Path | None, typer.Option(help="Where the frozen weights are now, if not where they were.")
    ] = None,
    mask_suffix: MaskSuffix = None,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.CPU,
) -> None:
    """Score images: a CSV of image and score, and the anomaly maps as one float32 array."""
    from fusionmedclip.predict_files import predict_files

    with _readable():
        files, scores = predict_files(
            model, images, out, backbone=backbone, mask_suffix=mask_suffix, device=device
        )
    console.print(f"scored {len(files)} images; {scores}")


def _files(config: list[Path] | None, preset: str | None) -> list[Path]:
    """What is merged over the protocol: ``config.yaml`` where it lies here, a preset, what was named."""
    from fusionmedclip.presets import preset_file

    default, named = Path("config.yaml"), list(config or ())
    overlay = preset_file(preset) if preset else None
    here = default.is_file() and default.resolve() not in {path.resolve() for path in named}
    return [*([default] if here else []), *([overlay] if overlay else []), *named]


@contextlib.contextmanager
def _bar(steps: int):
    from rich.progress import Progress

    with Progress(console=console) as bar:
        task = bar.add_task("Training", total=steps)
        yield lambda row: bar.update(task, advance=1, description=f"Training, loss {row['loss']:.3f}")


if __name__ == "__main__":
    app()
