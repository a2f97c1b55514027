"""Write a stock backbone."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.backbones:make_backbone",
    settings=params["settings"],
    out=snakemake.output.settings,
)
