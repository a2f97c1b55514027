"""Write the pixels of a data set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.datasets:prepare_dataset",
    source=params["source"],
    manifest=snakemake.input.manifest,
    size=params["size"],
    form=params["form"],
    images=snakemake.output.images,
    masks=snakemake.output.masks,
)
