"""Write a support set."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.pipeline.datasets import sample_support

sample_support(
    split=Path(snakemake.input[0]),  # noqa: F821
    k=int(snakemake.wildcards.k),  # noqa: F821
    seed=int(snakemake.wildcards.seed),  # noqa: F821
    dataset=snakemake.wildcards.dataset,  # noqa: F821
    out=Path(snakemake.output[0]),  # noqa: F821
)
