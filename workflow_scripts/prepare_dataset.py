"""Write the pixels of a data set."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.datasets import prepare_dataset

prepare_dataset(
    source=params["source"],
    manifest=Path(snakemake.input.manifest),  # noqa: F821
    size=params["size"],
    images=Path(snakemake.output.images),  # noqa: F821
    masks=Path(snakemake.output.masks),  # noqa: F821
)
