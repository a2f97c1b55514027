"""Run Stage 1."""

from _job import gpus, parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.backbones:pretrain_backbone",
    base=snakemake.input.base,
    captions=params["captions"],
    settings=params["settings"],
    seed=params["seed"],
    processes=params["processes"],
    out=snakemake.output.settings,
    device=params["device"],
    gpus=gpus(snakemake),
)
