"""What a method learns from other data sets, where that is the same for every support set: once a seed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch

from fusionmedclip.data.sources.manifest import read_manifest
from fusionmedclip.luma import as_grey
from fusionmedclip.methods import learns_labels, make_method
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.store import load_backbone
from fusionmedclip.models.detector import LearnsAhead, Progress
from fusionmedclip.models.device import torch_device
from fusionmedclip.pipeline.files import read_json, write_json, write_text
from fusionmedclip.pipeline.labelled import labelled_sets
from fusionmedclip.pipeline.resume import checkpoints_of
from fusionmedclip.pipeline.training_log import as_csv, logged, read_log
from fusionmedclip.provenance import environment, inputs_record

__all__ = ["Learnt", "learn_from_others", "pools"]


def learn_from_others(
    *,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    device: str = "cpu",
    gpus: int | None = None,
) -> None:
    """Learn, write what was learnt, its log and where it came from.

    Computed as a run is: :func:`fusionmedclip.pipeline.runs.run_method`.

    Parameters
    ----------
    settings : mapping
        ``method`` (kind and settings), ``seed`` and ``threads``.
    inputs : mapping
        File names as a run has them: those of the backbone, and ``meta``. For a method that learns from
        labels ``meta`` has masks as well, and ``tested`` and ``tested_images`` are manifest and images of the
        data set that is left out.
    outputs : mapping of str to str
        Files to write: ``weights``, ``log`` and ``provenance``.
    device, gpus
        See :func:`fusionmedclip.models.device.torch_device`.
    """
    device = torch_device(device, gpus=gpus)
    torch.set_num_threads(settings["threads"])
    method, meta = settings["method"], [Path(file) for file in inputs["meta"]]
    weights, log = (Path(outputs[name]) for name in ("weights", "log"))
    files = [Path(file) for name, file in inputs.items() if name != "meta"] + meta
    precision = method["settings"].get("precision", "float32")
    with arithmetic(device, precision=precision, deterministic=True) as made:
        network = load_backbone(Path(inputs["backbone"]).parent).to(device)
        detector = cast(
            LearnsAhead, make_method(method["kind"], method["settings"], backbone=network, device=device)
        )
        read = inputs_record(files)
        checkpoints = checkpoints_of(log.parent, settings, read, device=device, code=__file__)
        sets, more = _sets(method, inputs, meta, colour=detector.colour)
        started = time.perf_counter()

        def train(progress: Progress) -> None:
            detector.learn(sets, seed=settings["seed"], progress=progress, checkpoints=checkpoints)

        rows = logged(train)
        fitted = time.perf_counter()
    detector.save_learnt(weights.parent)
    write_text(log, as_csv(rows))
    record = {
        "settings": dict(settings),
        "environment": {**environment(device=device), "arithmetic": dict(made)},
        "inputs": read,
        "outputs": inputs_record([weights, log]),
        "timing": {"fit_s": fitted - started},
        **more,
    }
    write_json(outputs["provenance"], record)
    checkpoints.remove()


def _sets(
    method: Mapping[str, Any], inputs: Mapping[str, Any], meta: Sequence[Path], *, colour: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is learnt from, and what the record says of it."""
    if not learns_labels(method["kind"], method["settings"]):
        return pools(meta), {}
    tested, images = (Path(inputs[name]) for name in ("tested", "tested_images"))
    sets, left_out = labelled_sets(meta, tested=tested, tested_images=images, colour=colour)
    return sets, {"left_out_as_tested": left_out}


def pools(meta: Sequence[Path]) -> dict[str, np.ndarray]:
    """Pool images of each other data set: normals that no test set of theirs holds.

    Parameters
    ----------
    meta : sequence of Path
        Manifest, images and split of one after the other.
    """
    found = {}
    for manifest, images, split in zip(meta[::3], meta[1::3], meta[2::3], strict=True):
        parts = pd.read_csv(split, keep_default_na=False, dtype={"image_id": str}).set_index("image_id")[
            "part"
        ]
        rows = np.flatnonzero(parts[read_manifest(manifest)["image_id"]].to_numpy() == "pool")
        found[manifest.parent.name] = as_grey(np.load(images, mmap_mode="r")[rows])
    return found


@dataclass(frozen=True)
class Learnt:
    """What was learnt ahead of a run.

    Attributes
    ----------
    folder : Path
        Of the weights.
    log : list of dict
        Its training, step by step.
    fit_s : float
    """

    folder: Path
    log: list[dict[str, float]]
    fit_s: float

    @classmethod
    def read(cls, files: Sequence[Path]) -> "Learnt":
        """From weights, log and provenance."""
        weights, log, provenance = files
        return cls(weights.parent, read_log(log), read_json(provenance)["timing"]["fit_s"])
