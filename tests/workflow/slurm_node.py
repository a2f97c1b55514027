"""SLURM on this one machine, without systemd, cgroups and accounting; for root, where none is set up."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")
MARK = "# Written by tests/workflow/slurm_node.py"
STARTED: list[str] = []
NEEDED = ("sbatch", "squeue", "sinfo", "slurmctld", "slurmd", "munged")


def why_none() -> str:
    """Why there is no cluster to use, after an attempt to start one; empty where there is one."""
    missing = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if missing:
        return f"SLURM is not installed ({', '.join(missing)} missing): apt-get install slurm-wlm munge"
    if _is_idle():
        return ""
    if os.geteuid() or (CONFIG.exists() and not CONFIG.read_text().startswith(MARK)):
        return "SLURM does not answer, and only root can start it where nobody has set it up"
    _start(socket.gethostname().split(".")[0])
    return "" if _is_idle(seconds=30) else "SLURM did not start; see /var/log/slurm"


def stop() -> None:
    """End what was started here."""
    if STARTED:
        subprocess.run(["scontrol", "shutdown"], check=False, capture_output=True)
        subprocess.run(["/usr/sbin/munged", "--stop"], check=False, capture_output=True)
        CONFIG.unlink()


def _is_idle(seconds: float = 0) -> bool:
    given_up = time.monotonic() + seconds
    while True:
        done = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
        if {*done.stdout.split()} & {"idle", "mixed", "allocated"}:
            return True
        if time.monotonic() >= given_up:
            return False
        time.sleep(0.5)


def _start(host: str) -> None:
    spool = tempfile.mkdtemp(prefix="slurm-")  # what another cluster of this machine has left is not ours
    folders = ("/etc/slurm", f"{spool}/ctld", f"{spool}/d", "/var/log/slurm", "/run/munge")
    for folder in (*folders, "/var/log/munge", "/var/lib/munge"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    CONFIG.write_text(
        f"""{MARK}
ClusterName=one
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=3600
ReturnToService=2
MpiDefault=none
SlurmdParameters=config_overrides
StateSaveLocation={spool}/ctld
SlurmdSpoolDir={spool}/d
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
NodeName={host} CPUs={os.cpu_count()} RealMemory={max(20_000, memory)}
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
    )
    subprocess.run("chown munge:munge /run/munge /var/log/munge /var/lib/munge", shell=True, check=False)
    for command in ("runuser -u munge -- munged", "slurmctld", "slurmd"):
        path = f"/usr/sbin:{os.environ['PATH']}"
        subprocess.run(command.split(), env={**os.environ, "PATH": path}, check=False, capture_output=True)
        STARTED.append(command)
