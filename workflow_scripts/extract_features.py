"""Write the features of a frozen backbone."""

from _job import gpus, parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.backbones:extract_features",
    backbone=snakemake.input.backbone,
    images=snakemake.input.images,
    layers=params["layers"],
    threads=params["threads"],
    device=params["device"],
    gpus=gpus(snakemake),
    out=snakemake.output[0],
)
