"""Write the curation page of all data sets."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.report.curation:write_curation_page",
    sources=params["sources"],
    manifests=list(snakemake.input.manifests),
    curations=list(snakemake.input.curations),
    duplicates=list(snakemake.input.duplicates),
    splits=params["splits"],
    out=snakemake.output[0],
)
