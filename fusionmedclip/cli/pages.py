"""Commands for looking at what a model said."""

from pathlib import Path
from typing import Annotated

import typer

from fusionmedclip.cli.shared import console, readable


def review(
    folder: Annotated[Path, typer.Argument(help="Folder that predict wrote.")],
    port: Annotated[int, typer.Option(help="Of the page on this machine; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser", help="Open the page in the default browser.")] = False,
) -> None:
    """Look through a prediction in a browser on this machine, worst first, and accept or reject each finding.

    Every click is saved in FOLDER/review.csv; another call goes on where the last one stopped.
    """
    import webbrowser

    from fusionmedclip.lab.review.server import open_review

    with readable():
        opened = open_review(folder, port=port)
    console.print("Review, on this machine alone; Ctrl-C ends it:")
    typer.echo(opened.address)
    if browser:
        webbrowser.open(opened.address)
    try:
        opened.server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        opened.server.server_close()
    decided = len(opened.review.decisions.current())
    console.print(f"\n{decided} of {len(opened.review.entries)} reviewed: {opened.review.decisions.path}")
