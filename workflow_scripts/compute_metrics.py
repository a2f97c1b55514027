"""Write the metrics of a run."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.measures:compute_metrics",
    scores=snakemake.input.scores,
    pixel_counts=snakemake.input.pixel_counts,
    provenance=snakemake.input.provenance,
    settings=params["settings"],
    out=snakemake.output[0],
)
