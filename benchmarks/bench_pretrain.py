"""Stage 1: does the input pipeline keep ahead of the model, and what does a second process bring?

Usage: ``python benchmarks/bench_pretrain.py [--pairs 256] [--repeats 2]``. Pictures are phantoms of
256 x 256; the tower is the demo's (96 pixels, 1.2 M parameters); every process computes on one thread.
Figures are the best of the repeats.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch: one thread a process, also in torchrun's

import torch
from rich.console import Console
from rich.table import Table

from fusionmedclip.data.phantoms import write_phantom_captions
from fusionmedclip.data.sources.captions import read_captions
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone, save_backbone
from fusionmedclip.training.pretrain import AugmentSettings, PretrainSettings, pretrain
from fusionmedclip.training.pretrain.distributed import World
from fusionmedclip.training.pretrain.pictures import Pictures, Prefetcher
from fusionmedclip.training.pretrain.texts import embed_texts

VISION = {"layers": 6, "width": 128, "head_width": 32, "patch_size": 8, "image_size": 96}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
TOWER = BackboneSettings(model={"embed_dim": 64, "vision_cfg": VISION, "text_cfg": TEXT}, image_size=96)
BATCH = 32
AHEAD, WAITING, SCALING = 2.0, 0.05, 1.6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0] / os.cpu_count()
    title = f"Stage 1; {os.cpu_count()} cores, already busy with {load:.1f} other jobs each"
    table = Table("what", "measured", "bar", "holds", title=title)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_backbone(build_backbone(TOWER), folder / "start", TOWER)
        counts = {"n_train": options.pairs, "n_validation": BATCH, "n_test": 0}
        write_phantom_captions(folder / "captions", size=256, seed=0, **counts)
        speed = _measure_pipeline(table, folder, options.repeats)
        _measure_training(table, folder, options.repeats, speed)
    Console(width=110).print(table)


def _measure_pipeline(table: Table, folder: Path, repeats: int) -> float:
    """Images/s of the pipeline with decoding, one thread."""
    captions = read_captions({"kind": "roco", "path": str(folder / "captions"), "check": "none"})
    files = captions["file"].tolist()
    plan = [[(0, i) for i in range(s, min(s + BATCH, len(files)))] for s in range(0, len(files), BATCH)]
    speeds = {}
    for name, cache in (("decode and augment, one thread", 0), ("augment from memory, one thread", 2**30)):
        for size in (96, 224):
            pictures = Pictures(files, size=size, settings=AugmentSettings(), seed=0, cache_bytes=cache)
            if cache:
                _consume(pictures, plan)
            speeds[name, size] = len(files) / _best(lambda p=pictures: _consume(p, plan), repeats)
            table.add_row(f"{name}, {size} pixels", f"{speeds[name, size]:.0f} images/s")
    texts, backbone = captions["caption"].tolist(), build_backbone(TOWER)
    seconds = _best(lambda: backbone.tokenizer(texts), repeats)
    table.add_row("tokenise", f"{len(texts) / seconds:.0f} captions/s")
    world = World(0, 1, torch.device("cpu"))
    seconds = _best(lambda: embed_texts(backbone, texts, world=world), repeats)
    table.add_row("tokenise and embed (once a run)", f"{len(texts) / seconds:.0f} captions/s")
    return speeds["decode and augment, one thread", 96]


def _measure_training(table: Table, folder: Path, repeats: int, pipeline: float) -> None:
    runs = {1: [], 2: []}
    for repeat in range(repeats):
        for processes in (1, 2):
            runs[processes].append(_train(folder, processes, f"out_{processes}_{repeat}"))
    best = {n: max(timings, key=lambda t: t["images_per_s"]) for n, timings in runs.items()}
    alone = best[1]["images"] / best[1]["train_s"]
    table.add_row("the model alone, one process", f"{alone:.0f} images/s")
    _judge(table, "pipeline (decoding) against the model", pipeline / alone, AHEAD, "x")
    waited = min(t["wait_share"] for t in runs[1])
    held = "yes" if waited <= WAITING else "NO"
    table.add_row("share of time that training waits", f"{waited:.1%}", f"at most {WAITING:.0%}", held)
    table.add_row("training, one process", f"{best[1]['images_per_s']:.0f} images/s")
    table.add_row("training, two processes", f"{best[2]['images_per_s']:.0f} images/s")
    scaling = best[2]["images_per_s"] / best[1]["images_per_s"]
    _judge(table, "two processes against one", scaling, SCALING, "x")


def _train(folder: Path, processes: int, name: str) -> dict:
    settings = PretrainSettings(max_epochs=2, warmup_epochs=0, batch_size=BATCH, workers=1, cache_gib=0.0)
    source = {"kind": "roco", "path": str(folder / "captions"), "check": "none"}
    common = {"backbone": folder / "start", "captions": source, "settings": settings, "seed": 0}
    pretrain(out=folder / name, processes=processes, progress=False, **common)
    return json.loads((folder / name / "timing.json").read_text())


def _judge(table: Table, what: str, value: float, bar: float, unit: str) -> None:
    table.add_row(what, f"{value:.2f} {unit}", f"at least {bar:g} {unit}", "yes" if value >= bar else "NO")


def _consume(pictures: Pictures, plan: list) -> None:
    for _ in Prefetcher(workers=1, ahead=4).batches(pictures.view, plan):
        pass


def _best(work: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
