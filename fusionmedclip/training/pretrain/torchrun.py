"""How torchrun is called: on this machine, or on every node of a SLURM allocation."""

import socket
import sys
from collections.abc import Mapping

from fusionmedclip.errors import InputError

__all__ = ["torchrun"]

_PORTS = 20_000, 10_000
"""First port of a rendezvous, and how many follow: one by the number of the SLURM job."""


def torchrun(processes: int, environ: Mapping[str, str]) -> list[str]:
    """Command that starts the processes of Stage 1, up to what they run.

    Parameters
    ----------
    processes : int
        Over all nodes.
    environ : mapping
        ``SLURM_JOB_NUM_NODES`` says how many nodes there are, ``SLURM_JOB_ID`` names the rendezvous; this
        process runs on the first of them.

    Raises
    ------
    InputError
        If the processes do not divide evenly over the nodes.
    """
    call = [sys.executable, "-m", "torch.distributed.run"]
    nodes = int(environ.get("SLURM_JOB_NUM_NODES", 1))
    if nodes == 1:
        return [*call, "--standalone", f"--nproc-per-node={processes}"]
    if processes % nodes:
        raise InputError(
            "Stage 1 has as many processes on each node",
            received=f"{processes} processes on {nodes} nodes",
            allowed=f"a multiple of {nodes}",
            hint="set `stage1.processes`, or `nodes` of the rule pretrain_backbone in the profile",
        )
    job = environ["SLURM_JOB_ID"]
    port = _PORTS[0] + int(job) % _PORTS[1]
    # --overlap: Snakemake's own step holds the allocation already.
    srun = ["srun", "--overlap", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"]
    meet = [
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={socket.gethostname()}:{port}",
        f"--rdzv-id={job}",
    ]
    return [*srun, *call, f"--nnodes={nodes}", f"--nproc-per-node={processes // nodes}", *meet]
