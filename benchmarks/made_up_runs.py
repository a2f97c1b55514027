"""Finished runs, made up: files of the form that the stages write, for benchmarks of what lies above them."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from fusionmedclip.config import Config
from fusionmedclip.metrics import PixelCounts
from fusionmedclip.pipeline.datasets import sample_support
from fusionmedclip.pipeline.files import write_json
from fusionmedclip.pipeline.measures import compute_metrics
from fusionmedclip.provenance import file_sha256
from fusionmedclip.reporting.tables.rows import Run, run_settings
from fusionmedclip.reporting.verification.run_files import RunFiles

STEPS = 400
"""Lines of a made-up training log: 200 epochs of 16 images in batches of 8."""


def write_run(config: Config, run: Run, results: Path, seed: int) -> None:
    """Scores, pixel counts, provenance and metrics of one run."""
    files, settings, rng = RunFiles(run.path), run_settings(config, run), np.random.default_rng(seed)
    table = test_set(results / files.manifest, results / files.split)
    labels = table["label"].to_numpy()
    logits = rng.normal(labels * rng.uniform(0.5, 2.5))
    (results / files.scores).parent.mkdir(parents=True, exist_ok=True)
    table.assign(score=1 / (1 + np.exp(-logits))).to_csv(results / files.scores, index=False)
    truth = rng.random((4, 64, 64)) > 0.8
    counts = PixelCounts().update((rng.random(truth.shape) + rng.uniform(0, 2) * truth) / 3, truth)
    counts.save(results / files.pixel_counts)
    write_support(config, run, results)
    record = {
        "settings": settings,
        "environment": {"commit": None, "dirty": False, "device": "made up", "python": "3", "packages": {}},
        "inputs": {name: digest_of(results / name) for name in files.read(settings)},
        "outputs": {name: digest_of(results / name) for name in write_rest(files, results)},
        "trained_parameters": {"all": int(rng.integers(1, 10**6))},
        "timing": {"fit_s": rng.uniform(1, 600), "score_s": 5.0, "images_per_s": rng.uniform(10, 100)},
        "memory": {"peak_bytes": int(rng.integers(1, 8) * 2**30)},
    }
    write_json(results / files.provenance, record)
    compute_metrics(
        scores=results / files.scores,
        pixel_counts=results / files.pixel_counts,
        provenance=results / files.provenance,
        settings=settings,
        out=results / files.metrics,
    )


@cache
def test_set(manifest: Path, split: Path) -> pd.DataFrame:
    """Images and labels of a split's test part."""
    tested = pd.read_csv(split)["part"] == "test"
    return pd.read_csv(manifest).loc[tested, ["image_id", "label"]]


def write_support(config: Config, run: Run, results: Path) -> None:
    """The support set of a run."""
    files = RunFiles(run.path)
    split, out = str(results / files.split), str(results / files.support)
    if not Path(out).exists():
        draw = {"split": split, "k": run.k, "seed": run.seed, "dataset": run.dataset}
        sample_support(**draw, supports="nested", out=out)


def write_rest(files: RunFiles, results: Path) -> list[str]:
    """What a run writes beside scores and counts, empty where there is nothing yet, and all names."""
    weights = f"runs/{files.run}/weights/weights.safetensors"
    names = sorted(files.written | {weights})
    for name in names:
        path = results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(b"")
    return names


@cache
def digest_of(path: Path) -> str:
    """SHA-256; images and masks serve many runs."""
    return file_sha256(path)


def write_examples(config: Config, run: Run, results: Path, rows: np.ndarray) -> None:
    """Maps of a run's examples."""
    side = config.data["image_size"]
    grid = np.linspace(0, 4, side)
    maps = [np.outer(np.sin(grid + row), np.cos(grid * (1 + row % 3))) for row in rows]
    folder = results / "scores" / run.path
    folder.mkdir(parents=True)
    np.savez(folder / "examples.npz", rows=rows, maps=np.asarray(maps, np.float16))


def write_log(path: Path, seed: int) -> None:
    """A loss that falls."""
    steps = np.arange(STEPS)
    loss = np.exp(-steps / 100) + np.random.default_rng(seed).uniform(0, 0.2, STEPS)
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"epoch": steps // 2, "step": steps, "loss": loss}).to_csv(path, index=False)


def write_backbone(folder: Path, stage1: dict | None) -> None:
    """The files of a backbone, and the curves of its Stage 1."""
    folder.mkdir(parents=True)
    for name in ("settings.json", "open_clip_config.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    if stage1 is None:
        return
    names = [f"{way}_r{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)]
    lines = []
    for epoch in range(stage1["settings"]["max_epochs"] + 1):
        lines += [(epoch, split, "loss", 3 / (1 + epoch), 3.2) for split in ("train", "validation")]
        lines += [(epoch, "validation", name, epoch / 100, 0.01) for name in names]
    columns = ["epoch", "split", "metric", "value", "chance"]
    pd.DataFrame(lines, columns=columns).to_csv(folder / "retrieval.csv", index=False)
