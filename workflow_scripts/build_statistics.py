"""Compare and rank the methods of a table."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.comparisons.statistics:build_statistics",
    request=params["request"],
    results=params["results"],
    unranked=params["unranked"],
    **{
        name: list(snakemake.input.get(name, []))
        for name in ("manifests", "splits", "supports", "duplicates")
    },
    comparisons=snakemake.output.comparisons,
    ranks=snakemake.output.ranks,
    metrics=snakemake.output.metrics,
    verdicts=snakemake.output.verdicts,
)
