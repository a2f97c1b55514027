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
# A job leaves its exit code for status.py, as not every server remembers what has ended.
leaves = f"left_in={shlex.quote(str(LOGS.resolve()))}\ntrap 'echo $? > \"$left_in/$PBS_JOBID.ended\"' EXIT\n"
Path(script).write_text(text.replace(properties[0], f"{properties[0]}\n{leaves}", 1))
said = subprocess.run([*command, script], stdout=subprocess.PIPE, text=True, check=True).stdout
print(said.split()[-1])  # a site may print a notice before it
