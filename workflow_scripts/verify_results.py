"""Hold everything finished against itself."""

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.reporting.verification.verify:write_verification",
    results=params["results"],
    requests=params["requests"],
    processes=snakemake.threads,
    out=snakemake.output[0],
)
