"""What every workflow script is: one library call, its output in the rule's log."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fusionmedclip.pipeline.records import forget, record_path, remember
from fusionmedclip.pipeline.warm import call, call_warm


def parameters(snakemake) -> dict:
    """The rule's parameters: one JSON string, see rules/common.smk."""
    return json.loads(snakemake.params[0])


def gpus(snakemake) -> int:
    """GPUs that the rule asked the scheduler for."""
    return int(snakemake.resources.get("gpu", 0))


def run(snakemake, function: str, *, here: bool = False, **arguments) -> None:
    """Call ``module:function`` with plain arguments and record with which parameters.

    It runs in a warm process where the workflow keeps one, and ``here`` if it must.
    """
    log = snakemake.log[0]
    record = record_path(snakemake.config["results"], snakemake.output[0])
    forget(record)
    terminal = os.dup(2)  # the job itself writes to its log
    address = None if here else snakemake.config.get("warm")  # where the workflow has started such a process
    status = call_warm(function, arguments, log=log, address=address) if address else None
    if status is None:
        status = call(function, arguments, log=log)
    if status:
        # `--quiet rules` hides the logs of failed jobs, and with them the message that a user needs.
        os.write(terminal, f"{snakemake.rule} failed; what went wrong stands in {log}\n".encode())
        sys.exit(status)
    remember(record, parameters(snakemake))
