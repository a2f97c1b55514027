"""Write the features of a frozen backbone."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.backbones import extract_features

extract_features(
    backbone=Path(snakemake.input.backbone).parent,  # noqa: F821
    images=Path(snakemake.input.images),  # noqa: F821
    layers=params["layers"],
    threads=params["threads"],
    device=params["device"],
    out=Path(snakemake.output[0]),  # noqa: F821
)
