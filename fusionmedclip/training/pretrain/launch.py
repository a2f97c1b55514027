"""Starting Stage 1: in this process, or in several through torchrun."""

import os
import signal
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionmedclip.errors import PassingError
from fusionmedclip.outliving import end_with_parent
from fusionmedclip.training.pretrain.job import CHECKPOINT, Job
from fusionmedclip.training.pretrain.settings import PretrainSettings
from fusionmedclip.training.pretrain.torchrun import torchrun

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pretrain"]


def pretrain(
    *,
    backbone: Path,
    captions: "pd.DataFrame | Mapping[str, Any]",
    out: Path,
    settings: PretrainSettings,
    seed: int,
    processes: int = 1,
    nodes: int = 1,
    device: str = "auto",
    progress: bool = True,
) -> None:
    """Finetune a backbone's image tower on captioned images (thesis section 3.1, Table A2).

    Interrupted at any moment and called again with the same arguments, it goes on from the last checkpoint in
    ``out/checkpoint/`` and ends with the same bytes as an uninterrupted run (one process on a CPU). When all
    outputs of these arguments are there already, it does nothing.

    Parameters
    ----------
    backbone : Path
        Folder of an open_clip backbone, as :func:`fusionmedclip.models.backbones.store.save_backbone` writes.
    captions : DataFrame or mapping
        Table of :func:`fusionmedclip.data.sources.captions.read_captions`, or the source it reads.
    out : Path
        Gets a backbone folder (``open_clip_config.json``, ``open_clip_model.safetensors``,
        ``settings.json``), ``training_log.csv`` (a row a step), ``retrieval.csv`` (a row an epoch, split and
        metric), ``skipped.csv`` (images left out) and ``timing.json``.
    settings : PretrainSettings
    seed : int
        Keys every draw.
    processes : int
        Over all nodes. Above 1, torchrun starts them, unless this process is one of them.
    nodes : int
        Of the SLURM allocation, each with as many processes; this process runs on the first of them. 1: this
        machine alone.
    device : str
        ``auto``, ``cpu`` or ``cuda``; a GPU for each process.
    progress : bool
        Show a progress bar where the standard error stream is a terminal.

    Raises
    ------
    InputError
        If something given cannot be used, or the loss is no longer finite.
    PassingError
        If one of several processes ends: for want of memory, for instance.
    """
    job = Job(
        backbone=Path(backbone),
        captions=captions,
        out=Path(out),
        settings=settings,
        seed=seed,
        processes=processes,
        device=device,
        progress=progress,
    )
    from fusionmedclip.training.pretrain.distributed import launched
    from fusionmedclip.training.pretrain.run import run

    if launched():
        end_with_parent()
    if processes == 1 or launched():
        run(job)
    else:
        _run_by_torchrun(job, nodes)


def _run_by_torchrun(job: Job, nodes: int) -> None:
    folder = job.out / CHECKPOINT
    folder.mkdir(parents=True, exist_ok=True)
    if not isinstance(job.captions, Mapping):
        from dataclasses import replace

        from fusionmedclip.data.sources.captions import write_captions

        table = (folder / "given_captions.csv").absolute()
        write_captions(job.captions, table)
        job = replace(job, captions={"kind": "csv", "path": str(table), "check": "none"})
    job.write(folder / "job.json")
    command = [*torchrun(job.processes, nodes, os.environ), "-m", "fusionmedclip.training.pretrain"]
    command += ["--settings", str(folder / "job.json")]
    with subprocess.Popen(command, preexec_fn=partial(end_with_parent, how=signal.SIGTERM)) as child:
        try:
            code = child.wait()
        except BaseException:
            child.terminate()  # torchrun hands it on to its processes
            raise
    if code:
        raise PassingError(
            f"Stage 1 failed in one of {job.processes} processes",
            received=f"exit status {code}",
            hint="the cause is in the log above",
        )
