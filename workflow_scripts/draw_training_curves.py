"""Draw the training loss of our methods."""

from pathlib import Path

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.training_curves:draw_training_curves",
    figures=params["figures"],
    stand_in=params["stand_in"],
    titles=params["titles"],
    folder=str(Path(snakemake.output[0]).parent),
)
