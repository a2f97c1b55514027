"""Hold everything finished against itself."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.verification.verify:write_verification",
    results=params["results"],
    asked=params["asked"],
    sources=params["sources"],
    processes=snakemake.threads,
    out=snakemake.output[0],
)
