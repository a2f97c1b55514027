"""Draw the training loss of the methods of a data set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.training_curves:draw_training_curves",
    logs=params["logs"],
    title=params["title"],
    k=params["k"],
    stand_in=params["stand_in"],
    out=snakemake.output[0],
)
