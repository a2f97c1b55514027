"""Commands for looking at what a model said."""

from pathlib import Path
from typing import Annotated

import typer

from fusionmedclip.cli.shared import console, readable, say

Backbone = Annotated[
    Path | None, typer.Option(help="Where the frozen weights are now, if not where they were.")
]


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
    say("")
    say(f"{decided} of {len(opened.review.entries)} reviewed: {opened.review.decisions.path}")


def export(
    model: Annotated[Path, typer.Argument(help="Folder that fit saved.")],
    out: Annotated[Path, typer.Option(help="Name of the file, which ends in .onnx.")] = Path("model.onnx"),
    backbone: Backbone = None,
) -> None:
    """Write a model as an ONNX file that gives the same scores and maps, tried before it is written.

    For FusionMedCLIP, PatchCore, SimpleNet and nearest neighbours (patch_nn); others are refused.
    """
    from fusionmedclip.errors import InputError
    from fusionmedclip.lab.model_record import read_model
    from fusionmedclip.lab.requests import check_backbone
    from fusionmedclip.outputs import check_writable

    with readable():
        if out.suffix.lower() != ".onnx" or out.is_dir():
            raise InputError(f"{out}: not the name of an ONNX file", allowed="a name that ends in .onnx")
        check_writable(out)
        read_model(model)
        check_backbone(backbone)
        from fusionmedclip.lab.detector import AnomalyDetector
        from fusionmedclip.lab.onnx_export import export_onnx

        difference = export_onnx(AnomalyDetector.load(model, backbone=backbone), out)
    say(f"{out}: differs from torch by {difference:.1e} at most")


def explain(
    model: Annotated[Path, typer.Argument(help="Folder that fit saved.")],
    image: Annotated[Path, typer.Argument(help="An image; of a volume one slice: scan.nii.gz#slice=0012.")],
    out: Annotated[Path, typer.Option(help="Folder for pictures and tables.")] = Path("explanation"),
    backbone: Backbone = None,
) -> None:
    """Show which layers and prompts a map of FusionMedCLIP comes from, and the words that it learnt near."""
    from fusionmedclip.lab.requests import check_explanation

    with readable():
        check_explanation(model, image, out, backbone=backbone)
        from fusionmedclip.lab.detector import AnomalyDetector
        from fusionmedclip.lab.explain import explain_image

        explain_image(AnomalyDetector.load(model, backbone=backbone), image, out)
    say(f"{out / 'index.html'} shows layers, prompts and learnt words")
