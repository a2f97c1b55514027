#!/usr/bin/env python3
"""Submit a job script of Snakemake by qsub, print the job's name; what to ask for stands in the script."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

LOGS = Path(".snakemake/pbs_logs")

script = sys.argv[1]
text = Path(script).read_text()
properties = re.search("^# properties = (.*)$", text, re.MULTILINE)
asked = json.loads(properties[1])
resources = asked["resources"]
chunk = f"select=1:ncpus={asked['threads']}:mem={resources['mem_mb']}mb"
if resources.get("gpu"):
    chunk += f":ngpus={resources['gpu']}"
command = ["qsub", "-V", "-N", asked.get("rule", asked.get("groupid"))[:15], "-j", "oe", "-o", f"{LOGS}/"]
command += ["-l", chunk, "-l", f"walltime={60 * resources['runtime']}"]  # in seconds
for option, name in (("-q", "pbs_queue"), ("-A", "pbs_account")):
    if name in resources:
        command += [option, resources[name]]
LOGS.mkdir(parents=True, exist_ok=True)
# A job leaves its exit code for status.py, since not every server remembers what has ended.
# One that is killed leaves none: there is no trap, which bash would run with the code of the command before.
before, _, after = text.partition(properties[0])
left = shlex.quote(str(LOGS.resolve())) + '"/$PBS_JOBID'
leaves = f'\n)\nended=$?\necho $ended > {left}.ends"\nmv {left}.ends" {left}.ended"\nexit $ended\n'
Path(script).write_text(f"{before}{properties[0]}\n({after}{leaves}")
try:
    done = subprocess.run([*command, script], stdout=subprocess.PIPE, text=True, errors="replace")
except OSError as error:
    sys.exit(f"qsub cannot be started: {error}")
# A site may print notices around it.
jobs = re.findall(r"^\d+(?:\[\])?(?:\.[\w.-]+)?$", done.stdout, re.MULTILINE)
if done.returncode or not jobs:  # a job of which nobody knows would run beside its next attempt
    sys.exit(f"qsub names no job (exit code {done.returncode}); it printed: {done.stdout!r}")
print(jobs[-1])
