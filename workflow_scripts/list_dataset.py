"""Write a manifest."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.datasets import list_dataset

list_dataset(
    dataset=params["dataset"],
    source=params["source"],
    manifest=Path(snakemake.output[0]),  # noqa: F821
)
