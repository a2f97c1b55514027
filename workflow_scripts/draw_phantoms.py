"""Draw a data set of phantoms."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:draw_phantoms",
    source=params["source"],
    out=snakemake.output[0],
)
