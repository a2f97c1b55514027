"""What the workflow's head asks a scheduler beside Snakemake's executor."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

from fusionmedclip.errors import InputError

__all__ = ["earlier_jobs", "keeps_accounts", "wait_for_earlier", "wait_until_ended"]

_OURS = re.compile(r"(rule|group)_")
"""How the comment of a job begins that Snakemake's executor has submitted."""
POLL = 10.0
"""Seconds."""

TRIES = 6
"""How often squeue is asked before no answer is taken for one."""


def keeps_accounts() -> bool:
    """Whether the cluster has an accounting database, without which ``sacct`` says nothing, for ever."""
    found = re.search(
        r"^AccountingStorageType\s*=\s*(\S+)", _said("scontrol", "show", "config") or "", re.MULTILINE
    )
    return found is None or found[1] not in ("accounting_storage/none", "(null)")


def earlier_jobs(
    folder: str, *, tries: int = TRIES, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Ids of the user's jobs that an earlier head has submitted from a folder, waiting or running.

    Raises
    ------
    InputError
        If squeue is not there, or does not answer: no answer is not the answer that none runs.
    """
    if shutil.which("squeue") is None:
        raise InputError("squeue is not found", hint="start where SLURM's commands are, on a login node")
    for attempt in range(tries):
        said, why = _asked("squeue", "--me", "--noheader", "--format=%i|%Z|%k")
        if said is not None:
            break
        if attempt == 0:
            print(f"squeue does not answer ({why}); asked up to {tries - 1} times more", file=sys.stderr)
        sleep(POLL)
    else:
        raise InputError(
            "squeue does not answer, so whether jobs of an earlier start still run is not known",
            received=why,
            hint="start again when `squeue --me` works",
        )
    lines = said.splitlines()
    jobs = [line.split("|", 2) for line in lines if line.count("|") >= 2]
    here = os.path.realpath(folder)
    return [name for name, place, comment in jobs if os.path.realpath(place) == here and _OURS.match(comment)]


def wait_for_earlier(folder: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return once no job of an earlier head runs in a folder, so that none is submitted beside itself."""
    told: list[str] = []
    while jobs := earlier_jobs(folder, sleep=sleep):
        if not told:
            told = jobs
            print(
                f"{len(jobs)} jobs of an earlier start are queued or running; waiting for what they make. "
                "If that start lives, although the folder was unlocked, end this one. "
                f"To make it again instead, if it has ended: scancel {' '.join(jobs)}",
                file=sys.stderr,
            )
        sleep(POLL)


def wait_until_ended(job: str, command: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return once a job does not run, as the status command of a profile for cluster-generic says.

    Parameters
    ----------
    job : str
        What the scheduler calls it.
    command : str
        Of a shell; given the job, it prints ``running``, ``success`` or ``failed``.
    sleep : callable

    Raises
    ------
    InputError
        If it does not answer: no answer is not the answer that the job has ended.
    """
    told, silent = False, 0
    while (said := _said("sh", "-c", f"{command} {shlex.quote(job)}")) in (None, "running\n"):
        silent = silent + 1 if said is None else 0
        if silent == TRIES:
            raise InputError(
                f"{command} does not answer: whether job {job} of an earlier start still runs is not known",
                hint=f"start again when `{command} {job}` prints running, success or failed",
            )
        if not told:
            print(
                f"job {job} of an earlier start is queued or running; waiting for what it makes",
                file=sys.stderr,
            )
            told = True
        sleep(POLL)


def _said(*command: str) -> str | None:
    """What a command prints; None where there is none, or it fails."""
    return _asked(*command)[0]


def _asked(*command: str) -> tuple[str | None, str]:
    """What a command prints, or None and why."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        return None, str(error)
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return done.stdout, ""
