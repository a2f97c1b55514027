"""Draw anomaly maps of a data set."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.figures.map_gallery:draw_map_gallery",
    manifest=snakemake.input.manifest,
    images=snakemake.input.images,
    masks=snakemake.input.masks,
    examples=list(snakemake.input.examples),
    titles=params["titles"],
    title=params["title"],
    k=params["k"],
    split_seed=params["split_seed"],
    stand_in=params["stand_in"],
    out=snakemake.output[0],
)
