"""Results that were made otherwise than today's configuration asks, where Snakemake has lost its own records.

Snakemake compares parameters with its records in `.snakemake`, and takes what has none for right. Each job leaves
a record among the results as well (fusionmedclip/pipeline/records.py); where Snakemake has none, that one decides.
Nothing is written, touched or deleted while jobs are planned.
"""

import json

from snakemake.settings.types import RerunTrigger

from fusionmedclip.pipeline.records import differs, record_path

LOST = []


def settled(rule):
    """An input function that adds no input: it is asked about each job before Snakemake decides what must run."""

    asked = set()

    def settle(wildcards):
        first = filled(rule.output[0], wildcards)
        if first in asked:  # also while its parameters are put together, which look at what it reads
            return
        asked.add(first)
        wait_for_earlier()
        if status_command():
            for job in submitted_for(applied(rule, wildcards)):
                wait_for(job)
        if RerunTrigger.PARAMS not in workflow.rerun_triggers or not os.path.exists(first):
            return
        outputs, params = applied(rule, wildcards), params_of(rule, wildcards)
        if not differs(record_path(COPIES, first), params):
            adopt(outputs, params)
        elif not all(map(workflow.persistence.metadata, outputs)):
            workflow.dag.forcefiles.add(outputs[0])
            tell(first)

    def no_input(wildcards):
        settle(wildcards)
        return []

    return no_input


def applied(rule, wildcards):
    """What a job makes, as Snakemake knows it."""
    return [pattern.apply_wildcards(wildcards) for pattern in rule.output]


def params_of(rule, wildcards):
    """Parameters of a job, as its script will have them."""
    (found,) = rule.params
    return json.loads(found(wildcards))


def tell(path):
    """Once, since a plan may hold hundreds of them."""
    if not LOST:
        print(
            f"{path}: neither Snakemake nor the results know that it was made with today's settings, code and "
            "environment; it and all others like it are made again",
            file=sys.stderr,
        )
    LOST.append(path)


if workflow.is_main_process:  # without results as well: the first jobs of an earlier head may still wait
    for _made in OURS:
        if _made.script:
            _made.set_input(settled(_made))
