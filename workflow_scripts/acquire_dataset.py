"""Put a public data set in its place, or say how."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.origins:acquire_dataset",
    name=snakemake.wildcards.origin,
    settings=params["settings"],
    folder=params["folder"],
    out=snakemake.output[0],
)
