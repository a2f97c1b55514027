"""The outputs of a run: a backbone folder, logs and curves."""

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fusionmedclip.models.backbones.store import CONFIG, SETTINGS, WEIGHTS
from fusionmedclip.models.backbones.weight_files import write_safetensors
from fusionmedclip.models.checkpoints import write_safely
from fusionmedclip.provenance import environment
from fusionmedclip.training.pretrain.job import CHECKPOINT, Job
from fusionmedclip.training.pretrain.loop import Loop
from fusionmedclip.training.pretrain.pairs import Pairs
from fusionmedclip.training.pretrain.state import RunState

__all__ = ["OUTPUTS", "export", "is_exported"]

LOG, CURVES, SKIPPED, TIMING = "training_log.csv", "retrieval.csv", "skipped.csv", "timing.json"
OUTPUTS = (WEIGHTS, CONFIG, LOG, CURVES, SKIPPED, TIMING, SETTINGS)
"""In the order in which they are written: the settings, which name the run, come last."""

_LOG_COLUMNS = ("epoch", "step", "learning_rate", "loss", "mixup_weight")
_CURVE_COLUMNS = ("epoch", "split", "metric", "value", "chance")
_SKIPPED_COLUMNS = ("split", "image_id", "file", "reason")


def is_exported(out: Path, digest: str) -> bool:
    """Whether a folder holds all outputs of a run; then what is left of its checkpoints is removed."""
    if not all((out / name).is_file() for name in OUTPUTS):
        return False
    done = json.loads((out / SETTINGS).read_text()).get("stage1", {}).get("digest") == digest
    if done:
        shutil.rmtree(out / CHECKPOINT, ignore_errors=True)
    return done


def export(
    job: Job,
    loop: Loop,
    state: RunState,
    *,
    pairs: Pairs,
    digest: str,
    skipped: Sequence[dict[str, str]],
    made: Mapping[str, Any],
) -> None:
    """Write all outputs, each of them whole or not at all, then remove the checkpoints.

    ``made`` is what :func:`fusionmedclip.models.arithmetic.arithmetic` says of the run.
    """
    out, clip = job.out, loop.backbone.clip_model
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in clip.state_dict().items()}
    write_safely(out / WEIGHTS, lambda path: write_safetensors(weights, path))
    _write_json(out / CONFIG, _config(job))
    _write_csv(out / LOG, _LOG_COLUMNS, state.log)
    _write_csv(out / CURVES, _CURVE_COLUMNS, state.curves)
    _write_csv(out / SKIPPED, _SKIPPED_COLUMNS, skipped)
    _write_json(out / TIMING, {**_timing(loop), "arithmetic": made})
    _write_json(out / SETTINGS, _settings(job, loop, state, pairs=pairs, digest=digest))
    shutil.rmtree(out / CHECKPOINT)


def _config(job: Job) -> dict[str, Any]:
    config = json.loads((job.backbone / CONFIG).read_text())
    if job.settings.image_size is not None:
        config["model_cfg"]["vision_cfg"]["image_size"] = job.settings.image_size
        config["preprocess_cfg"]["size"] = job.settings.image_size
    return config


def _settings(job: Job, loop: Loop, state: RunState, *, pairs: Pairs, digest: str) -> dict[str, Any]:
    kept = json.loads((job.backbone / SETTINGS).read_text())
    kept["image_size"] = job.settings.image_size or kept["image_size"]
    kept["stage1"] = {
        "digest": digest,
        "settings": asdict(job.settings),
        "seed": job.seed,
        "pairs": {name: len(split) for name, split in pairs.splits.items()},
        "captions": len(pairs.texts),
        "temperature": loop.step.temperature,
        "dropout_form": loop.step.dropping.form,
        "epochs": state.epoch,
        "kept_epoch": state.best_epoch if job.settings.keep == "best" else state.epoch,
    }
    return kept


def _timing(loop: Loop) -> dict[str, Any]:
    waited = loop.prefetcher.waited
    spent = loop.seconds + waited
    return {
        "images": loop.images,
        "train_s": round(loop.seconds, 3),
        "wait_s": round(waited, 3),
        "images_per_s": round(loop.images / spent, 3) if spent else None,
        "wait_share": round(waited / spent, 5) if spent else None,
        "processes": loop.world.size,
        **environment(device=loop.world.device.type),
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    write_safely(path, lambda place: place.write_text(text))


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    def write(place: Path) -> None:
        with place.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    write_safely(path, write)
