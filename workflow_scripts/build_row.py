"""Write a row of a table."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.reporting.tables import build_row

build_row(
    request=params["request"],
    metrics=Path(params["results"], "metrics"),
    scores=Path(params["results"], "scores"),
    manifests={Path(path).parent.name: Path(path) for path in snakemake.input.manifests},  # noqa: F821
    out=Path(snakemake.output[0]),  # noqa: F821
)
