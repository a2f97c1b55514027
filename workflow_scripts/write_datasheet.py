"""Write the datasheet of a data set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.origins:write_datasheet",
    dataset=snakemake.wildcards.dataset,
    source=params["source"],
    acquire=params["acquire"],
    stated=params["stated"],
    manifest=snakemake.input.manifest,
    out=snakemake.output[0],
)
