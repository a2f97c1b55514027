"""What ``predict`` costs beside the bare model: reading, maps and tables overlap with scoring.

    python benchmarks/bench_predict.py            # two minutes on two cores
    python benchmarks/bench_predict.py --images 400

One model (PatchCore on the packaged EfficientNet-Lite0) scores the same pictures twice in one process, in
turns: as an array in memory, and from PNG files through the command's own function. The least of each counts.
Both compute on one thread; reading uses the others. Drawing pictures is no part of it (``--scores-only``).
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

BAR = 1.10
"""Time of the command over that of the bare model."""


def make_images(folder: Path, count: int, side: int) -> list[Path]:
    """Noise of low frequency as PNG, which packs about as well as a radiograph."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    paths = []
    for index in range(count):
        small = Image.fromarray(rng.integers(0, 255, (32, 32)).astype(np.uint8))
        paths.append(folder / f"{index:04d}.png")
        small.resize((side, side), Image.Resampling.BICUBIC).save(paths[-1])
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description="predict beside the bare model")
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()

    from fusionmedclip.data.reading.images import load_images
    from fusionmedclip.lab import AnomalyDetector
    from fusionmedclip.lab.asked import Asked
    from fusionmedclip.lab.prediction import predict_files
    from fusionmedclip.lab.requests import prediction_request

    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        paths = make_images(home / "in", options.images, options.side)
        model = AnomalyDetector("patchcore", preset="offline", folds=0, device="cpu").fit(paths[:16])
        model.save(home / "model")
        images = load_images(paths, 224)
        model.score_working(images[:16])
        times: dict[str, list[float]] = {"bare model, arrays in memory": [], "predict, files": []}
        for _ in range(options.turns):
            started = time.perf_counter()
            model.score_working(images)
            times["bare model, arrays in memory"].append(time.perf_counter() - started)
            batches: list[float] = []

            def note(done: int, total: int, batches: list[float] = batches) -> None:
                batches.append(time.perf_counter())

            predict_files(
                prediction_request(home / "model", [home / "in"], home / "out", asked=Asked()), progress=note
            )
            # from the first batch on: opening the model takes the same for any number of files
            share = (len(batches) - 1) / len(batches)
            times["predict, files"].append((time.perf_counter() - batches[0]) / share)
            shutil.rmtree(home / "out")
    least = {name: min(found) for name, found in times.items()}
    ratio = least["predict, files"] / least["bare model, arrays in memory"]
    table = Table("", "seconds", "images a second")
    for name, seconds in least.items():
        table.add_row(name, f"{seconds:.2f}", f"{options.images / seconds:.1f}")
    Console().print(table)
    print(f"time of the command over the bare model's: {ratio:.3f} (bar {BAR})")
    if ratio > BAR:
        raise SystemExit(f"predict takes {ratio:.2f} times the bare model's time, more than {BAR}")


if __name__ == "__main__":
    main()
