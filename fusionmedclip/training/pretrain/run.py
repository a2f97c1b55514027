"""One process of a Stage 1 run, from captions to the finished backbone."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import cv2
import pandas as pd
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from fusionmedclip.data.sources.captions import read_captions, write_captions
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import CONFIG, SETTINGS, WEIGHTS, load_backbone
from fusionmedclip.models.checkpoints import Checkpoints, write_safely
from fusionmedclip.training.pretrain.distributed import World, start_world
from fusionmedclip.training.pretrain.dropout import Dropping
from fusionmedclip.training.pretrain.evaluation import Evaluation
from fusionmedclip.training.pretrain.export import export, is_exported
from fusionmedclip.training.pretrain.job import CHECKPOINT, Job
from fusionmedclip.training.pretrain.loop import Loop
from fusionmedclip.training.pretrain.pairs import Pairs, split_pairs
from fusionmedclip.training.pretrain.pictures import Pictures
from fusionmedclip.training.pretrain.settings import PretrainSettings
from fusionmedclip.training.pretrain.step import TrainStep, check_batch
from fusionmedclip.training.pretrain.texts import keep_texts

__all__ = ["run"]

_NO_EFFECT = ("workers", "prefetch", "cache_gib", "checkpoint_steps")


def run(job: Job) -> None:
    """Train and write the outputs; goes on from a checkpoint of the same job if there is one."""
    with (
        start_world(job.processes, job.device) as world,
        arithmetic(world.device.type, precision=job.settings.precision, deterministic=True) as made,
        _one_opencv_thread(),
    ):
        table = _captions(job, world)
        pairs = split_pairs(table, validation_share=job.settings.validation_share, seed=job.seed)
        check_batch(job.settings, pairs=len(pairs.splits["train"]), processes=world.size)
        start = [hashlib.sha256((job.backbone / name).read_bytes()).hexdigest() for name in (CONFIG, WEIGHTS)]
        digest = _digest(job, pairs, start)
        if is_exported(job.out, digest):
            return
        backbone = _backbone(job, world)
        texts = pairs.texts + [job.settings.label_prompt.format(label) for label in pairs.labels]
        kept = job.out / CHECKPOINT / "texts.safetensors"
        embedded = keep_texts(kept, backbone, texts, start=start[1], world=world)
        loop = _loop(job, pairs, backbone, embedded, Checkpoints(job.out / CHECKPOINT, digest), world)
        with loop.progress:
            state = loop.run()
        loop.step.dropping.remove()
        if world.first:
            skipped = table.attrs.get("skipped", [])
            export(job, loop, state, pairs=pairs, digest=digest, skipped=skipped, made=made)
        world.wait()


def _captions(job: Job, world: World) -> pd.DataFrame:
    """The first process reads and checks a source; the others read its table."""
    if isinstance(job.captions, pd.DataFrame):
        return job.captions
    if world.size == 1:
        return read_captions(job.captions)
    kept, table = job.out / CHECKPOINT / "captions.csv", None
    if world.first:
        table = read_captions(job.captions)
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_safely(kept, lambda path: write_captions(table, path))
    world.wait()
    if not world.first:
        table = read_captions({"kind": "csv", "path": str(kept), "check": "none"})
    world.wait()  # a finished run removes the file next
    return table


def _digest(job: Job, pairs: Pairs, start: list[str]) -> str:
    """Of all that determines the outputs; ``start`` stands for the backbone that training starts from."""
    settings = {k: v for k, v in asdict(job.settings).items() if k not in _NO_EFFECT}
    text = json.dumps([settings, job.seed, start, pairs.digest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _backbone(job: Job, world: World) -> Backbone:
    backbone = load_backbone(job.backbone, image_size=job.settings.image_size).to(world.device)
    backbone.visual.requires_grad_(True)
    config = json.loads((job.backbone / CONFIG).read_text())["model_cfg"]["vision_cfg"]
    if str(config.get("pos_embed_type", "")).startswith("sin_cos"):
        backbone.visual.positional_embedding.requires_grad_(False)  # a constant, not a weight
    if job.settings.gradient_checkpointing:
        backbone.visual.set_grad_checkpointing(True)
    if job.settings.temperature is not None:
        backbone.clip_model.logit_scale.data.fill_(1 / job.settings.temperature).log_()
    return backbone


def _loop(
    job: Job, pairs: Pairs, backbone: Backbone, texts: Tensor, checkpoints: Checkpoints, world: World
) -> Loop:
    settings: PretrainSettings = job.settings
    size = settings.image_size or int(json.loads((job.backbone / SETTINGS).read_text())["image_size"])
    dropping = Dropping(
        backbone, rate=settings.dropout, form=settings.dropout_form, token_rate=settings.token_dropout
    )
    train = pairs.splits["train"]
    step = TrainStep(
        backbone,
        settings=settings,
        seed=job.seed,
        world=world,
        texts=texts[: len(pairs.texts)],
        captions=train.captions,
        dropping=dropping,
    )
    pictures = Pictures(
        train.files,
        size=size,
        settings=settings.augment,
        seed=job.seed,
        cache_bytes=int(settings.cache_gib * 2**30),
    )
    console = Console(stderr=True, quiet=not (job.progress and world.first))
    progress = Progress(console=console, disable=not console.is_terminal, transient=True)
    return Loop(
        step, pictures, Evaluation(step, pairs, texts[len(pairs.texts) :], size), checkpoints, progress
    )


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """The threads of the input pipeline are the parallelism; OpenCV's own would only get in their way."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
