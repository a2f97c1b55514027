"""Draw ROC and precision-recall curves."""

from pathlib import Path

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.roc_pr:draw_roc_pr",
    figures=params["figures"],
    stand_in=params["stand_in"],
    titles=params["titles"],
    folder=str(Path(snakemake.output[0]).parent),
)
