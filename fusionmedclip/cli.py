"""The console script."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Few-shot medical anomaly detection, reproducible row by row.", no_args_is_help=True)


@app.command()
def tables(
    results: Annotated[Path, typer.Argument(help="Folder of results.")] = Path("results"),
) -> None:
    """Print the tables that the workflow made."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    found = sorted((results / "tables").glob("*.md"))
    if not found:
        console.print(f"no tables in {results}/tables yet; make them: snakemake --cores 2 all_tables")
        raise typer.Exit(1)
    for path in found:
        console.print(Markdown(path.read_text()))
        console.print()


@app.callback()
def main() -> None:
    """Few-shot medical anomaly detection, reproducible row by row."""
