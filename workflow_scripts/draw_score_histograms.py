"""Draw image scores."""

from pathlib import Path

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.score_histograms:draw_score_histograms",
    figures=params["figures"],
    stand_in=params["stand_in"],
    titles=params["titles"],
    folder=str(Path(snakemake.output[0]).parent),
)
