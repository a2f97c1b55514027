"""Write the report."""

from _job import start

params = start(snakemake)  # noqa: F821

from pathlib import Path

from fusionmedclip.reporting.report import write_report

write_report(
    tables=dict(zip(params["tables"], map(Path, snakemake.input.tables), strict=True)),  # noqa: F821
    layouts=params["tables"],
    titles=params["titles"],
    figures=[Path(path) for path in snakemake.input.figures],  # noqa: F821
    tier=params["tier"],
    out=Path(snakemake.output[0]),  # noqa: F821
)
