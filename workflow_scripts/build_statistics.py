"""Compare and rank the methods of a table."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.statistics:build_statistics",
    request=params["request"],
    results=params["results"],
    unranked=params["unranked"],
    manifests=list(snakemake.input.manifests),
    comparisons=snakemake.output.comparisons,
    ranks=snakemake.output.ranks,
    metrics=snakemake.output.metrics,
)
