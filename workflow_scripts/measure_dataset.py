"""Measure the files of a data set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:measure_dataset",
    source=params["source"],
    manifest=snakemake.input.manifest,
    statistics=snakemake.output[0],
)
