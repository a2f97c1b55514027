"""Put a public data set in its place, or say how."""

import os
import sys

from _job import call, parameters

params = parameters(snakemake)
arguments = {
    "name": snakemake.wildcards.origin,
    "settings": params["settings"],
    "folder": params["folder"],
    "out": snakemake.output[0],
    "terminal": os.dup(2) if os.isatty(2) else None,
}
# Not in a warm process, which has no terminal: the bar of a download of minutes is drawn beside the log.
sys.exit(call("fusionmedclip.pipeline.origins:acquire_dataset", arguments, log=snakemake.log[0]))
