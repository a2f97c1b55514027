"""Put a table together."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.tables:build_table",
    rows=list(snakemake.input),
    title=params["title"],
    titles=params["titles"],
    layout=params["layout"],
    controls=params["controls"],
    csv=snakemake.output.csv,
    text=snakemake.output.text,
)
