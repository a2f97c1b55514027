"""Draw phantoms with captions in ROCO's layout."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:draw_phantom_captions",
    source=params["source"],
    out=snakemake.output[0],
)
