"""Find duplicates, conflicts and shortcuts of a data set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:curate_dataset",
    dataset=params["dataset"],
    source=params["source"],
    manifest=snakemake.input.manifest,
    curation=snakemake.output.curation,
    duplicates=snakemake.output.duplicates,
)
