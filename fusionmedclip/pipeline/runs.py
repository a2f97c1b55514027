"""The stage that fits a method on a support set and scores the test set."""

import resource
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import torch
from rich.progress import track

from fusionmedclip.data.sources.manifest import read_manifest
from fusionmedclip.errors import InputError
from fusionmedclip.luma import as_grey
from fusionmedclip.methods import make_method
from fusionmedclip.metrics import PixelCounts
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import load_backbone
from fusionmedclip.models.detector import Detector, Scores, ScoresFeatures
from fusionmedclip.models.device import torch_device
from fusionmedclip.pipeline.backbones import feature_file
from fusionmedclip.pipeline.files import write_json, write_text
from fusionmedclip.pipeline.learnt import Learnt, pools
from fusionmedclip.pipeline.left_out import left_out_scores
from fusionmedclip.pipeline.oracle import Oracle, Scored
from fusionmedclip.pipeline.resume import checkpoints_of
from fusionmedclip.pipeline.run_files import RunInputs, RunOutputs, stage1_record
from fusionmedclip.pipeline.training_log import as_csv, logged
from fusionmedclip.provenance import environment, inputs_record
from fusionmedclip.randomness import generator

if TYPE_CHECKING:
    from fusionmedclip.baselines.controls.file_statistic import FileStatistic

__all__ = ["run_method"]

CHUNK = 32
"""Test images scored at a time, up to twice as many in the last turn; bounds memory."""


def run_method(
    *,
    settings: Mapping,
    inputs: RunInputs | Mapping[str, str],
    outputs: RunOutputs | Mapping[str, str],
    device: str = "cpu",
    gpus: int | None = None,
) -> None:
    """Fit on the support set, score the test set, write both.

    All of it is computed in the method's precision (float32, where it has no setting of that name) and by
    deterministic kernels.

    Parameters
    ----------
    settings : mapping
        ``method`` (kind and settings), ``dataset``, ``split``, ``k``, ``seed``, ``threads``, ``examples``,
        ``split_seed``: all that identifies the run.
    inputs : RunInputs, or mapping of its fields to file names
    outputs : RunOutputs, or mapping of its fields to file names
    device, gpus
        See :func:`fusionmedclip.models.device.torch_device`.
    """
    inputs = inputs if isinstance(inputs, RunInputs) else RunInputs.named(inputs)
    outputs = outputs if isinstance(outputs, RunOutputs) else RunOutputs.named(outputs)
    device = torch_device(device, gpus=gpus)
    torch.set_num_threads(settings["threads"])
    precision = settings["method"]["settings"].get("precision", "float32")
    with arithmetic(device, precision=precision, deterministic=True) as made:
        _run(settings, inputs, outputs, device=device, made=made)


def _run(settings: Mapping, inputs: RunInputs, outputs: RunOutputs, *, device: str, made: Mapping) -> None:
    data = _TestData.read(inputs)
    method, seed = settings["method"], settings["seed"]
    backbone = _backbone(inputs, device)
    detector = _make(settings, backbone, device)
    shown = _examples(data, settings)
    started = time.perf_counter()
    ahead, others = _taught(inputs)
    oracle, looks = None, {}
    if "oracle" in method:
        oracle = Oracle(method["oracle"], lambda: _score(detector, data, inputs, examples=shown))
        looks = {"on_epoch": oracle.look}
    read = inputs_record(inputs.files())
    resume = {}
    if detector.resumes:
        resume["checkpoints"] = checkpoints_of(
            outputs.log.parent, settings, read, device=device, code=__file__
        )
    support, more = data.given(detector, data.drawn), {**others, **looks, **resume}
    log = ahead.log + logged(lambda told: detector.fit(support, seed=seed, progress=told, **more))
    fitted = time.perf_counter()
    result = _score(detector, data, inputs, examples=shown)
    scored = time.perf_counter()
    extra = {}
    if oracle is not None:
        result = oracle.last(int(log[-1]["epoch"]) if log else 0, result)
        extra["oracle"] = oracle.record()
    if "support_folds" in method:
        extra["support_scores"] = _support_scores(data, backbone, settings, device, **others).tolist()
    scores, counts, maps = result
    outputs.weights.mkdir(parents=True, exist_ok=True)
    detector.save(outputs.weights)
    write_text(outputs.log, as_csv(log))
    write_text(outputs.scores, scores.to_csv(index=False, lineterminator="\n"))
    outputs.pixel_counts.parent.mkdir(parents=True, exist_ok=True)
    counts.save(outputs.pixel_counts)
    np.savez(outputs.examples, rows=maps["rows"], maps=maps["maps"])
    record = {
        "settings": dict(settings),
        "environment": {**environment(device=device), "arithmetic": dict(made)},
        "inputs": read,
        "outputs": inputs_record(outputs.files()),
        "trained_parameters": detector.trained_parameters(),
        "timing": {
            "fit_s": ahead.fit_s + fitted - started,  # as if this run alone had learnt it
            "score_s": scored - fitted,
            "images_per_s": len(scores) / max(scored - fitted, 1e-9),
        },
        "memory": {"peak_bytes": _peak_memory(device)},
        **stage1_record(inputs.backbone),
        **extra,
    }
    write_json(outputs.provenance, record)
    for checkpoints in resume.values():
        checkpoints.remove()


@dataclass(frozen=True)
class _TestData:
    manifest: pd.DataFrame
    images: np.ndarray
    masks: np.ndarray
    test: np.ndarray
    drawn: np.ndarray
    statistics: pd.DataFrame | None

    @classmethod
    def read(cls, inputs: RunInputs) -> "_TestData":
        manifest = read_manifest(inputs.manifest)
        rows = pd.Series(np.arange(len(manifest)), index=manifest["image_id"])
        split = pd.read_csv(inputs.split, keep_default_na=False, dtype={"image_id": str})
        support = pd.read_csv(inputs.support, keep_default_na=False, dtype={"image_id": str})
        test = rows[split.loc[split["part"] == "test", "image_id"]].to_numpy()
        drawn = rows[support["image_id"]].to_numpy()
        if set(test) & set(drawn):
            raise InputError("support and test set overlap", hint="draw the support set again")
        images, masks = (np.load(path, mmap_mode="r") for path in (inputs.images, inputs.masks))
        statistics = (
            None if inputs.statistics is None else pd.read_csv(inputs.statistics, keep_default_na=False)
        )
        return cls(manifest, images, masks, np.sort(test), drawn, statistics)

    def given(self, detector: Detector, rows: np.ndarray) -> np.ndarray:
        """What a detector sees of some rows: their images, or the property of their files that it scores."""
        if self.statistics is None:
            images = np.array(self.images[rows])
            return images if images.ndim == 3 or detector.colour else as_grey(images)
        return self.statistics[cast("FileStatistic", detector).column].to_numpy()[rows]


def _backbone(inputs: RunInputs, device: str) -> Backbone | None:
    """Read once for all fits of a run."""
    if inputs.backbone is None:
        return None
    folder = inputs.backbone.parent
    backbone = load_backbone(folder).to(device)
    backbone.source = str(folder)
    return backbone


def _make(settings: Mapping, backbone: Backbone | None, device: str) -> Detector:
    method, images = settings["method"], settings.get("images")
    if "support_folds" in method:
        backbone = deepcopy(backbone)  # a fit may adapt it in place, and others follow
    return make_method(method["kind"], method["settings"], backbone=backbone, device=device, images=images)


def _taught(inputs: RunInputs) -> tuple[Learnt, dict[str, Any]]:
    """What was learnt before, and what a fit is given of other data sets: that, their normals, or nothing."""
    if inputs.learnt:
        learnt = Learnt.read(inputs.learnt)
        return learnt, {"learnt": learnt.folder}
    none = Learnt(inputs.support.parent, [], 0.0)
    return none, {"meta": pools(inputs.meta)} if inputs.meta else {}


def _support_scores(
    data: _TestData, backbone: Backbone | None, settings: Mapping, device: str, **others
) -> np.ndarray:
    """Scores of the support images, each by a model fitted without it."""
    method = settings["method"]

    def fit(positions: np.ndarray) -> Detector:
        detector = _make(settings, backbone, device)
        detector.fit(data.given(detector, data.drawn[positions]), seed=settings["seed"], **others)
        return detector

    def score(detector: Detector, positions: np.ndarray) -> np.ndarray:
        return detector.score(data.given(detector, data.drawn[positions])).scores

    return left_out_scores(len(data.drawn), method["support_folds"], fit=fit, score=score)


def _examples(data: _TestData, settings: Mapping) -> np.ndarray:
    """Rows whose maps are kept: half abnormal where possible, drawn without looking at any score."""
    count = settings["examples"]
    labels = data.manifest["label"].to_numpy()[data.test]
    drawn = []
    for label, share in ((1, count - count // 3), (0, count // 3)):
        rows = data.test[labels == label]
        order = generator(settings["split_seed"], "examples", settings["dataset"], label).permutation(
            len(rows)
        )
        drawn.append(rows[order[:share]])
    return np.concatenate(drawn)


def _score(detector: Detector, data: _TestData, inputs: RunInputs, *, examples: np.ndarray) -> Scored:
    counts, values, kept, kept_rows = PixelCounts(), [], [], []
    chunks = list(_chunks(data.test))
    for rows in track(chunks, description="Scoring"):
        result = _score_rows(detector, rows, data, inputs)
        values.append(result.scores)
        if result.maps is None:
            continue
        masks = np.array(data.masks[rows])
        known = (masks != 2).all(axis=(1, 2))
        if known.any():
            counts.update(result.maps[known], masks[known] == 1)
        chosen = np.isin(rows, examples)
        kept.append(result.maps[chosen].astype(np.float16))
        kept_rows.append(rows[chosen])
    table = data.manifest.iloc[data.test][["image_id", "label"]].assign(score=np.concatenate(values))
    rows = np.concatenate(kept_rows) if kept else np.empty(0, int)
    maps = np.concatenate(kept) if kept else np.empty((0, *data.images.shape[1:3]), np.float16)
    return Scored(table, counts, {"rows": rows, "maps": maps})


def _chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    """The rest goes with the last: in a short chunk a method's batches would have another shape."""
    last = max(len(rows) // CHUNK - 1, 0) * CHUNK
    for start in range(0, last, CHUNK):
        yield rows[start : start + CHUNK]
    yield rows[last:]


def _score_rows(detector: Detector, rows: np.ndarray, data: _TestData, inputs: RunInputs) -> Scores:
    if inputs.features is None or not detector.frozen_features:
        return detector.score(data.given(detector, rows))
    frozen = cast(ScoresFeatures, detector)
    stores = [np.load(feature_file(inputs.features, layer), mmap_mode="r") for layer in frozen.layers]
    return frozen.score_features([np.array(store[rows]) for store in stores], data.images.shape[1:3])


def _peak_memory(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
