"""Every job of the workflow: one call of the library, its output in the rule's log.

The parameters say which function, and all that it is given but files (rules/params.smk), which have names.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fusionmedclip.pipeline.calls import call
from fusionmedclip.pipeline.heads import follow
from fusionmedclip.pipeline.records import forget, record_path, remember
from fusionmedclip.pipeline.warm import call_warm


def files_of(named) -> dict:
    """Named files of a job, each a path or a list of them."""
    return {name: files if isinstance(files, str) else list(files) for name, files in named.items()}


def given(snakemake, params: dict) -> dict:
    """What the function is called with: its settings, its files, and what it asks of the running job."""
    asks, inputs, outputs = params["asks"], files_of(snakemake.input), files_of(snakemake.output)
    running = {
        "gpus": int(snakemake.resources.get("gpu", 0)),
        "nodes": int(snakemake.resources.get("nodes", 1)),
        "processes": snakemake.threads,
        "inputs": inputs,
        "outputs": outputs,
        "terminal": os.dup(2) if os.isatty(2) else None,
    }
    files = {} if "inputs" in asks else {**inputs, **outputs}
    return {**params["arguments"], **files, **{name: running[name] for name in asks}}


def run(snakemake) -> None:
    """Call the function and record with which parameters; a failure names its log on the terminal."""
    made = [record_path(snakemake.config["results"], snakemake.output[0]), *snakemake.output]
    follow(head := snakemake.config.get("head"), outputs=made)
    forget(*made, is_alone=bool(head))  # a submitted job that an earlier start has left may still be at them
    params = json.loads(snakemake.params[0])
    arguments, log = given(snakemake, params), snakemake.log[0]
    terminal = os.dup(2)  # the job itself writes to its log
    # Where the workflow has started a warm process. It has no terminal, on which bars of downloads are drawn.
    address = None if "terminal" in params["asks"] else snakemake.config.get("warm")
    status = call_warm(params["call"], arguments, log=log, address=address, head=head)
    if status is None:
        status = call(params["call"], arguments, log=log)
    if status:
        forget(*made, is_alone=bool(head))
        os.write(terminal, f"{snakemake.rule} failed; what went wrong stands in {log}\n".encode())
        sys.exit(status)
    remember(made[0], params)


run(snakemake)
