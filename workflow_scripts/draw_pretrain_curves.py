"""Draw the curves of Stage 1."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.pretrain_curves:draw_pretrain_curves",
    curves=snakemake.input[0],
    title=params["title"],
    stand_in=params["stand_in"],
    out=snakemake.output[0],
)
