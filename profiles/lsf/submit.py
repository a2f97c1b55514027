#!/usr/bin/env python3
"""Submit a job script of Snakemake by bsub, print the job's number; what to ask for stands in the script."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

LOGS = Path(".snakemake/lsf_logs")

script = sys.argv[1]
asked = json.loads(re.search("^# properties = (.*)$", Path(script).read_text(), re.MULTILINE)[1])
resources = asked["resources"]
memory = f"{resources['mem_mb']}MB"
command = ["bsub", "-J", asked.get("rule", asked.get("groupid")), "-o", str(LOGS / "%J.log")]
command += ["-n", str(asked["threads"]), "-R", f"span[hosts=1] rusage[mem={memory}]"]
command += ["-M", memory, "-W", str(resources["runtime"])]
if resources.get("gpu"):
    command += ["-gpu", f"num={resources['gpu']}"]
for option, name in (("-q", "lsf_queue"), ("-P", "lsf_project")):
    if name in resources:
        command += [option, resources[name]]
LOGS.mkdir(parents=True, exist_ok=True)
try:
    done = subprocess.run(
        [*command, shlex.quote(script)], stdout=subprocess.PIPE, text=True, errors="replace"
    )
except OSError as error:
    sys.exit(f"bsub cannot be started: {error}")
job = re.search(r"Job <(\d+)>", done.stdout)
if done.returncode or not job:  # a job of which nobody knows would run beside its next attempt
    sys.exit(
        f"bsub names no job (exit code {done.returncode}; is BSUB_QUIET set?); it printed: {done.stdout!r}"
    )
print(job[1])
