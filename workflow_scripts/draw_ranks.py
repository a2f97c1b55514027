"""Draw average ranks."""

from pathlib import Path

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.rank_diagram:draw_ranks",
    tables=params["tables"],
    titles=params["titles"],
    folder=str(Path(snakemake.output[0]).parent),
)
