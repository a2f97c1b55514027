"""Submitted jobs of whose end no head has heard: which they are, and what they made after theirs was killed."""

import json
from ast import literal_eval
from types import SimpleNamespace

from snakemake.persistence import PersistenceBase


def submitted_for(outputs):
    """Jobs that were submitted to make some files, and of whose end no head has heard."""
    return workflow.persistence.external_jobids(SimpleNamespace(output=outputs))


def adopt(outputs, params):
    """Take for finished what a submitted job made after its head was killed: the job has left its record.

    Snakemake then holds the job for unfinished, or knows what an earlier one of other parameters made.
    """
    is_unheard = submitted_for(outputs) or not is_heard_of(outputs[0], params)
    if is_unheard and all(map(os.path.exists, outputs)) and not workflow.dryrun:
        for path in outputs:
            workflow.persistence.cleanup_metadata(path)


def is_heard_of(path, params):
    """Whether Snakemake has no record of a file, or one of these parameters."""
    kept = workflow.persistence.metadata(path)
    try:
        return kept is None or [json.loads(literal_eval(text)) for text in kept.params] == [params]
    except (ValueError, SyntaxError, TypeError):  # as another version wrote it
        return False


def with_its_name(started):
    """A job that begins elsewhere marks its outputs as begun, and keeps what the scheduler calls it there."""

    def mark(persistence, job, external_jobid=None):
        known = persistence.external_jobids(job)
        started(persistence, job, external_jobid or next(iter(known), None))

    return mark


if not workflow.is_main_process:
    PersistenceBase.started = with_its_name(PersistenceBase.started)
