"""Write a support set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:sample_support",
    split=snakemake.input[0],
    k=int(snakemake.wildcards.k),
    seed=int(snakemake.wildcards.seed),
    dataset=snakemake.wildcards.dataset,
    supports=params["supports"],
    out=snakemake.output[0],
)
