#!/usr/bin/env python3
"""Say of a job what Snakemake wants to know: running, success or failed."""

import subprocess
import sys

STATES = {
    **{"DONE": "success", "EXIT": "failed", "ZOMBI": "failed"},
    **dict.fromkeys(("PEND", "PROV", "PSUSP", "RUN", "SSUSP", "UNKWN", "USUSP", "WAIT"), "running"),
}

command = ["bjobs", "-noheader", "-o", "stat", sys.argv[1]]
try:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=50)
except (OSError, subprocess.TimeoutExpired) as error:
    print(error, file=sys.stderr)
    print("running")
    sys.exit()
print(done.stderr, end="", file=sys.stderr)
told = [
    STATES[line] for line in map(str.strip, done.stdout.splitlines()) if line in STATES
]  # between notices
words = done.stdout + done.stderr
if told:
    print(told[-1])
else:  # a scheduler that does not answer has not said that the job ended
    print("failed" if "is not found" in words or "No matching job" in words else "running")
