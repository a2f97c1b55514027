"""The console script: print tables, trace a number, fit on one's own images, predict, check a data set."""

from typing import Annotated

import typer

from fusionmedclip import __version__
from fusionmedclip.cli import comparing, data, models, pages, planning, results

__all__ = ["app"]

app = typer.Typer(
    help="Few-shot medical anomaly detection, reproducible row by row.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
ON_RESULTS = (results.tables, results.claims, results.trace, results.verify, planning.plan)
ON_IMAGES = (data.check, models.fit, models.predict, comparing.compare)
ON_MODELS = (pages.review, pages.explain, pages.export)
for command in (*ON_RESULTS, *ON_IMAGES, *ON_MODELS):
    app.command()(command)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"fusionmedclip {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass
