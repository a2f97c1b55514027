#!/usr/bin/env python3
"""Say of a job what Snakemake wants to know: running, success or failed."""

import re
import subprocess
import sys


def asked(*command):
    """Whether a command succeeds, and what it prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout


answers, said = asked("qstat", "-f", sys.argv[1])
if not answers:  # of what has ended OpenPBS keeps a history
    answers, said = asked("qstat", "-x", "-f", sys.argv[1])
state = re.search(r"job_state = (\w)", said)
code = re.search(r"exit_status = (-?\d+)", said, re.IGNORECASE)
if state and state[1] in "FC":  # finished; in TORQUE completed
    print("success" if code and code[1] == "0" else "failed")
elif "unknown job" in said.lower():
    print("failed")
else:  # a scheduler that does not answer has not said that the job ended
    print("running")
