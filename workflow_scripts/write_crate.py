"""Write the RO-Crate."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.crate:write_crate",
    results=params["results"],
    files=[*snakemake.input.report, *snakemake.input.tables, *snakemake.input.figures],
    metrics=list(snakemake.input.metrics),
    datasheets=list(snakemake.input.datasheets),
    verification=snakemake.input.verification,
    titles=params["titles"],
    workflow=snakemake.input.workflow,
    configuration=params["configuration"],
    out=snakemake.output[0],
)
