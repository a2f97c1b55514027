"""Write a split."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.datasets import split_dataset

split_dataset(
    manifest=Path(snakemake.input.manifest),  # noqa: F821
    duplicates=Path(snakemake.input.duplicates) if snakemake.input.get("duplicates") else None,  # noqa: F821
    name=snakemake.wildcards.split,  # noqa: F821
    test=params["test"],
    seed=params["seed"],
    out=Path(snakemake.output[0]),  # noqa: F821
)
