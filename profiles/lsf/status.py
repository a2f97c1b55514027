#!/usr/bin/env python3
"""Say of a job what Snakemake wants to know: running, success or failed."""

import subprocess
import sys

STATES = {"DONE": "success", "EXIT": "failed", "ZOMBI": "failed"}

done = subprocess.run(
    ["bjobs", "-noheader", "-o", "stat", sys.argv[1]],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
)
if "is not found" in done.stdout:
    print("failed")
else:  # a scheduler that does not answer has not said that the job ended
    print(STATES.get(done.stdout.strip(), "running"))
