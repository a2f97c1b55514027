#!/usr/bin/env python3
"""Say of a job what Snakemake wants to know: running, success or failed."""

import subprocess
import sys

STATES = {"DONE": "success", "EXIT": "failed", "ZOMBI": "failed"}

done = subprocess.run(["bjobs", "-noheader", "-o", "stat", sys.argv[1]], capture_output=True, text=True)
said = done.stdout.strip()
print(done.stderr, end="", file=sys.stderr)
if "is not found" in (words := done.stdout + done.stderr) or "No matching job" in words:
    print("failed")
else:  # a scheduler that does not answer has not said that the job ended
    print(STATES.get(said, "running"))
