"""Commands over finished results: print tables, walk back from a number, meet every file again."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from fusionmedclip.cli.shared import Configs, Preset, config_files, console, readable

Results = Annotated[Path, typer.Option(help="Folder of results.")]


def tables(results: Annotated[Path, typer.Argument(help="Folder of results.")] = Path("results")) -> None:
    """Print the tables of results that were made, the thesis's first, those of settings left out."""
    from fusionmedclip.reporting.claims.catalogue import CLAIMS
    from fusionmedclip.reporting.tables.appendix import APPENDIX

    _check_folder(results)
    made = [path for path in (results / "tables").glob("*.md") if path.stem not in (*APPENDIX, CLAIMS)]
    found = sorted(made, key=lambda path: (not path.stem.startswith("table"), path.stem))
    if not found:
        console.print(f"no tables in {results}/tables yet; make them: snakemake --cores 2 all_tables")
        raise typer.Exit(1)
    for path in found:
        console.rule(f"[bold]{path.stem}", align="left")
        console.print(Markdown(path.read_text()))
        console.print()


def claims(results: Annotated[Path, typer.Argument(help="Folder of results.")] = Path("results")) -> None:
    """Print what became of the thesis's claims, one line each, and why."""
    from fusionmedclip.reporting.claims.catalogue import CLAIMS
    from fusionmedclip.reporting.claims.formats import MARKS
    from fusionmedclip.reporting.claims.lines import count_text
    from fusionmedclip.reporting.claims.read import read_claims, recorded

    _check_folder(results)
    path = results / "tables" / f"{CLAIMS}.csv"
    if not path.is_file():
        said = f"no claims in {results}/tables yet; make them: snakemake --cores 2 claims"
        console.print(said, soft_wrap=True, markup=False, highlight=False)
        raise typer.Exit(1)
    with readable():
        lines = read_claims(path)
    console.print(count_text(lines), soft_wrap=True, highlight=False)
    for verdict in dict.fromkeys(line["verdict"] for line in lines):
        console.print(f"\n[bold]{escape(verdict)}[/]")
        for line in (line for line in lines if line["verdict"] == verdict):
            said = f"{MARKS[verdict]} {line['short']} ({line['section']})"
            console.print(escape(said), soft_wrap=True, highlight=False)
            console.print(f"  [dim]{escape(line['because'])}[/]", soft_wrap=True, highlight=False)
    if not recorded(path):
        said = "\nnot checked: no record beside the table says which bytes it had"
        console.print(said, soft_wrap=True, highlight=False)


def _check_folder(results: Path) -> None:
    """Say what is wrong with a path that cannot hold results."""
    from fusionmedclip.errors import InputError

    hint = "name the folder of results, which holds `tables`"
    with readable():
        if results.resolve().name == "tables" and results.is_dir() and not (results / "tables").is_dir():
            raise InputError(f"{results}: the folder of tables itself", hint=f"{hint}: {results.parent}")
        if not results.is_dir():
            wrong = "a file, no folder of results" if results.exists() else "no such folder"
            raise InputError(f"{results}: {wrong}", hint=f"{hint}; results are made by snakemake")


def trace(
    table: str,
    dataset: str,
    method: str,
    k: int,
    results: Results = Path("results"),
    images: Annotated[bool, typer.Option("--images", help="Also each support image and its hash.")] = False,
) -> None:
    """Walk from a printed number back to its files, settings, weights and hashes, and compute it again.

    Results of an overlay are found below the folder as well, where one alone holds the table.
    """
    from fusionmedclip.reporting.verification.behind_run import results_of, support_images, trained_weights
    from fusionmedclip.reporting.verification.trace import trace_cell

    with readable():
        results = results_of(results, table)
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
        behind = run.metrics.relative_to(results / "metrics").with_suffix("").as_posix()
        for name, sha in trained_weights(results, behind).items():
            console.print(
                f"  learnt {sha[:16] if len(sha) == 64 else sha}  {results / name}",
                highlight=False,
                soft_wrap=True,
            )
        for name, sha in support_images(results, behind).items() if images else ():
            console.print(f"  image {sha}  {name}", highlight=False, soft_wrap=True)
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


def verify(
    results: Annotated[Path, typer.Argument(help="Folder of results, wherever it lies.")] = Path("results"),
    config: Configs = None,
    preset: Preset = None,
) -> None:
    """Meet every cell again, and name each file of runs and tables that was altered, deleted or added.

    With --config or --preset, the tables must also be those that the configuration asks for. Exit status 0:
    everything is met; 1: a file is named; 2: the request itself is wrong, or a file may not be read.
    """
    from fusionmedclip.config import load_config
    from fusionmedclip.reporting.claims.request import all_asked
    from fusionmedclip.reporting.verification.verify import verify_results

    with readable(stopped=2):
        asked = sources = None
        if config or preset:
            given = load_config(config_files(config, preset))
            asked = all_asked(given)
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
