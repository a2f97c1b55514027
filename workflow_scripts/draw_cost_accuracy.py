"""Draw cost against accuracy."""

from pathlib import Path

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.cost_accuracy:draw_cost_accuracy",
    figures=params["figures"],
    stand_in=params["stand_in"],
    titles=params["titles"],
    folder=str(Path(snakemake.output[0]).parent),
)
