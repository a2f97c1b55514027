"""Draw an ablation row by row."""

from pathlib import Path

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.ablation_steps:draw_ablation_steps",
    tables=params["tables"],
    titles=params["titles"],
    folder=str(Path(snakemake.output[0]).parent),
)
