"""How torchrun is called: on this machine, or on every node of a SLURM allocation."""

import socket
import sys
from collections.abc import Mapping

from fusionmedclip.errors import InputError

__all__ = ["torchrun"]

_PORTS = 20_000, 10_000
"""First port of a rendezvous, and how many follow: one by the number of the SLURM job."""


def torchrun(processes: int, nodes: int, environ: Mapping[str, str]) -> list[str]:
    """Command that starts the processes of Stage 1, up to what they run.

    Parameters
    ----------
    processes : int
        Over all nodes.
    nodes : int
        Of the SLURM allocation; this process runs on the first of them.
    environ : mapping
        Where there are several nodes, ``SLURM_JOB_ID`` names the rendezvous. How many is not read from it:
        Snakemake's executor takes all but the name of the allocation out of it.

    Raises
    ------
    InputError
        If the processes do not divide evenly over the nodes.
    """
    call = [sys.executable, "-m", "torch.distributed.run"]
    if nodes == 1:
        return [*call, "--standalone", f"--nproc-per-node={processes}"]
    if processes % nodes:
        raise InputError(
            "Stage 1 has as many processes on each node",
            received=f"{processes} processes on {nodes} nodes",
            allowed=f"a multiple of {nodes}",
            hint="set `stage1.processes`, or `nodes` of the rule pretrain_backbone in the profile",
        )
    job = environ.get("SLURM_JOB_ID")
    if job is None:
        raise InputError(
            "several nodes are those of a SLURM allocation, and this is none",
            received=f"{nodes} nodes, no SLURM_JOB_ID",
            hint="submit by profiles/slurm",
        )
    share = processes // nodes
    port = _PORTS[0] + int(job) % _PORTS[1]
    # --overlap: where this process is a step itself, that holds the allocation already.
    srun = ["srun", "--overlap", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"]
    srun += [f"--cpus-per-task={share}"]  # which a step does not have from its job (SLURM 22.05 and later)
    meet = [
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={socket.gethostname()}:{port}",
        f"--rdzv-id={job}",
    ]
    return [*srun, *call, f"--nnodes={nodes}", f"--nproc-per-node={share}", *meet]
