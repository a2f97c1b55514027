"""Write a row of a table."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.tables.row:build_row",
    request=params["request"],
    results=params["results"],
    manifests=list(snakemake.input.manifests),
    out=snakemake.output[0],
)
