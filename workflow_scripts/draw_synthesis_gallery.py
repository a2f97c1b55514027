"""Draw what synthesis makes of a support set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.synthesis_gallery:synthesis_gallery",
    manifest=snakemake.input.manifest,
    images=snakemake.input.images,
    support=snakemake.input.support,
    settings=params["settings"],
    seed=params["seed"],
    title=params["title"],
    stand_in=params["stand_in"],
    out=snakemake.output[0],
)
