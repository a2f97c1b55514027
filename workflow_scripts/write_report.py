"""Write the report."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.report.write:write_report",
    tables=list(snakemake.input.tables),
    figures=list(snakemake.input.figures),
    datasheets=list(snakemake.input.datasheets),
    curations=list(snakemake.input.curations),
    metrics=list(snakemake.input.metrics),
    deviations=snakemake.input.deviations,
    verification=snakemake.input.verification,
    titles=params["titles"],
    controls=params["controls"],
    jobs=params["jobs"],
    configuration=params["configuration"],
    out=snakemake.output[0],
)
