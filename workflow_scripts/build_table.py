"""Put a table together."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.reporting.tables import build_table

build_table(
    rows=[Path(path) for path in snakemake.input],  # noqa: F821
    title=params["title"],
    titles=params["titles"],
    layout=params["layout"],
    csv=Path(snakemake.output.csv),  # noqa: F821
    text=Path(snakemake.output.text),  # noqa: F821
)
