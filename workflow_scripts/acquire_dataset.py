"""Put a public data set in its place, or say how."""

import os

from _job import parameters, run

params = parameters(snakemake)
run(
    snakemake,
    "fusionmedclip.pipeline.origins:acquire_dataset",
    here=True,  # a warm process has no terminal, and the bar of a download of minutes is drawn on one
    name=snakemake.wildcards.origin,
    settings=params["settings"],
    folder=params["folder"],
    out=snakemake.output[0],
    terminal=os.dup(2) if os.isatty(2) else None,
)
