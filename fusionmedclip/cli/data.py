"""The command that says what is understood of a data set."""

from pathlib import Path
from typing import Annotated, cast

import typer

from fusionmedclip.cli.shared import Configs, MaskSuffix, Preset, config_files, readable
from fusionmedclip.errors import InputError


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

    with readable(err=False):  # what is wrong is what was asked for
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
    folder, files = Path(dataset), config_files(config, preset)
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
