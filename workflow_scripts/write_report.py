"""Write the report."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.report:write_report",
    tables=list(snakemake.input.tables),
    layouts=params["tables"],
    titles=params["titles"],
    controls=params["controls"],
    figures=list(snakemake.input.figures),
    tier=params["tier"],
    out=snakemake.output[0],
)
