"""Write Tables A1 to A3."""

from pathlib import Path

from _job import parameters, run

run(
    snakemake,
    "fusionmedclip.reporting.tables.appendix_formats:build_appendix",
    tables=parameters(snakemake)["tables"],
    folder=str(Path(snakemake.output[0]).parent),
)
