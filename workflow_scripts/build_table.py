"""Put a table together."""

from _job import parameters, run

params = parameters(snakemake)
statistics = {path.removesuffix(".csv").rpartition("_")[2]: path for path in snakemake.input.statistics}
images = [
    path
    for name in ("manifests", "splits", "supports", "duplicates")
    for path in snakemake.input.get(name, [])
]
run(
    snakemake,
    "fusionmedclip.reporting.tables.build:build_table",
    rows=list(snakemake.input.rows),
    comparisons=statistics["comparisons"],
    further=statistics["metrics"],
    verdicts=statistics["verdicts"],
    **params["look"],
    manifests=list(snakemake.input.manifests),
    metrics=list(snakemake.input.metrics),
    csv=snakemake.output.csv,
    text=snakemake.output.text,
    latex=snakemake.output.latex,
    html=snakemake.output.html,
    record={
        "out": snakemake.output.record,
        "results": params["results"],
        "request": params["request"],
        "inputs": [*snakemake.input.metrics, *snakemake.input.scores, *images],
        "outputs": list(statistics.values()),
    },
)
