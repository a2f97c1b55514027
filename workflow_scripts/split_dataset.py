"""Write a split."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:split_dataset",
    manifest=snakemake.input.manifest,
    duplicates=snakemake.input.get("duplicates"),
    name=snakemake.wildcards.split,
    test=params["test"],
    seed=params["seed"],
    published=params["published"],
    out=snakemake.output[0],
)
