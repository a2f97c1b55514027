"""Draw AUROC against k."""

from pathlib import Path

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.auroc_by_k:draw_auroc_by_k",
    tables=params["tables"],
    titles=params["titles"],
    folder=str(Path(snakemake.output[0]).parent),
)
