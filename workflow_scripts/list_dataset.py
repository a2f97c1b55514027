"""Write a manifest."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:list_dataset",
    dataset=params["dataset"],
    source=params["source"],
    manifest=snakemake.output[0],
)
