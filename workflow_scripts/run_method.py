"""Fit a method and score the test set."""

from _job import gpus, parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.runs:run_method",
    settings=params["settings"],
    inputs=dict(snakemake.input.items()),
    outputs=dict(snakemake.output.items()),
    device=params["device"],
    gpus=gpus(snakemake),
)
