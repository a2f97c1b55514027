"""Commands for one's own images: fit a model, score with it."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from fusionmedclip.cli.shared import Configs, Device, MaskSuffix, Preset, config_files, console, readable


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

    with readable():
        support = image_files(images, mask_suffix=mask_suffix)
        check_place(out)
        model = FusionMedCLIP.from_config(config_files(config, preset), method=method, device=device)
        steps = model.settings.optimiser.steps(len(support))
        with _bar(steps) as progress:
            model.fit(support, seed=seed, progress=progress)
        model.save(out)
    console.print(f"fitted on {len(support)} images: {model.trained_parameters()}; saved in {out}")


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

    with readable():
        files, scores = predict_files(
            model, images, out, backbone=backbone, mask_suffix=mask_suffix, device=device
        )
    console.print(f"scored {len(files)} images; {scores}")


@contextlib.contextmanager
def _bar(steps: int):
    from rich.progress import Progress

    with Progress(console=console) as bar:
        task = bar.add_task("Training", total=steps)
        yield lambda row: bar.update(task, advance=1, description=f"Training, loss {row['loss']:.3f}")
