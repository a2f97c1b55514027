#!/usr/bin/env python3
"""Say of a job what Snakemake wants to know: running, success or failed."""

import re
import subprocess
import sys
from pathlib import Path

ENDED = Path(".snakemake/pbs_logs")
"""Where a job leaves its exit code (submit.py): not every server remembers what has ended."""


def asked(*command):
    """Whether a command succeeds, and what it prints; nothing where it does not come back."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=50
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return False, ""
    return done.returncode == 0, done.stdout


def left_by(job):
    """The exit code that a job has left, if it has."""
    # A listing: a shared disk may remember that none was there.
    names = {path.name for path in ENDED.glob("*.ended")}
    return ((ENDED / f"{job}.ended").read_text().strip() or None) if f"{job}.ended" in names else None


def told_by(job):
    """What the scheduler says of a job that has not left its exit code."""
    answers, said = asked("qstat", "-f", job)
    if not answers:  # of what has ended OpenPBS keeps a history, where it is told to
        answers, said = asked("qstat", "-x", "-f", job)
    # Attributes begin their lines; the job's own variables, which may say anything, do not.
    state = re.search(r"^\s*job_state = (\w)", said, re.MULTILINE)
    code = re.search(r"^\s*exit_status = (-?\d+)", said, re.MULTILINE | re.IGNORECASE)
    if state and state[1] in "FC":  # finished; completed
        return "success" if code and code[1] == "0" else "failed"
    # A scheduler that does not answer has not said that the job ended.
    return "failed" if not answers and "unknown job" in said.lower() else "running"


code = left_by(sys.argv[1])
if code is None:
    print(told_by(sys.argv[1]))
else:  # the job itself knows best: it may have been moved to another server, or be forgotten
    print("success" if code == "0" else "failed")
