"""Find duplicates, conflicts and shortcuts of a data set."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.datasets import curate_dataset

curate_dataset(
    dataset=params["dataset"],
    source=params["source"],
    manifest=Path(snakemake.input.manifest),  # noqa: F821
    curation=Path(snakemake.output.curation),  # noqa: F821
    duplicates=Path(snakemake.output.duplicates),  # noqa: F821
)
