"""Pixel metrics beside scikit-learn, and the bootstrap beside a naive loop.

    python benchmarks/bench_metrics.py

    python benchmarks/bench_metrics.py --coverage

Every row is a process of its own on one core, so that its peak memory (inputs, libraries and all) is its own.
"seconds" is wall time, which other work on the machine lengthens; "processor" is processor time, of which
the ratios are taken. The test set has BUSI's shape: 748 images of 224 x 224 (37.5 million pixels), 647 of
them with a lesion. ``--coverage`` simulates instead how often intervals over seeds and images hold the truth.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table

NORMAL, ANOMALOUS, SIDE = 101, 647, 224
PIXEL_BAR = "1 s, 0.60 GB"
BOOTSTRAP_BAR = "1 s"


def images(dtype: type) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of 44 maps and masks: uniform noise, raised inside one rectangle of an anomalous image."""
    rng = np.random.default_rng(0)
    for start in range(0, NORMAL + ANOMALOUS, 44):
        maps = rng.random((44, SIDE, SIDE), dtype=np.float32)
        masks = np.zeros(maps.shape, bool)
        for index in range(max(0, NORMAL - start), 44):
            top, left = rng.integers(0, SIDE - 60, 2)
            masks[index, top : top + 50, left : left + 60] = True
        maps += np.float32(0.3) * masks
        yield maps.astype(dtype), masks


def whole(dtype: type) -> tuple[np.ndarray, np.ndarray]:
    maps = np.empty((NORMAL + ANOMALOUS, SIDE, SIDE), dtype)
    masks = np.empty(maps.shape, bool)
    for number, (some, where) in enumerate(images(dtype)):
        maps[44 * number : 44 * (number + 1)], masks[44 * number : 44 * (number + 1)] = some, where
    return maps, masks


def best_of(repeats: int, call: Callable[[], object]) -> tuple[dict[str, float], object]:
    """Least wall and least processor time of some repeats, and the last result."""
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        result = call()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {"seconds": min(walls), "processor": min(processors)}, result


def pixel_ours(dtype: type) -> dict[str, float]:
    from fusionmedclip.metrics import PixelCounts

    maps, masks = whole(dtype)
    times, auroc = best_of(3, lambda: PixelCounts().update(maps, masks).auroc())
    return {**times, "value": auroc}


def pixel_streamed() -> dict[str, float]:
    from fusionmedclip.metrics import PixelCounts

    def count(maps: np.ndarray, masks: np.ndarray) -> PixelCounts:
        return PixelCounts().update(maps, masks)

    total, seconds, processor = PixelCounts(), 0.0, 0.0
    for maps, masks in images(np.float32):
        times, part = best_of(3, partial(count, maps, masks))
        total += part
        seconds, processor = seconds + times["seconds"], processor + times["processor"]
    times, (auroc, _, _) = best_of(3, lambda: (total.auroc(), total.ap(), total.aupro()))
    return {
        "seconds": seconds + times["seconds"],
        "processor": processor + times["processor"],
        "value": auroc,
    }


def pixel_sklearn() -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    maps, masks = whole(np.float16)
    times, auroc = best_of(1, lambda: roc_auc_score(masks.ravel(), maps.ravel().astype(np.float32)))
    return {**times, "value": float(auroc)}


def scored() -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(NORMAL + ANOMALOUS) >= NORMAL
    return labels, np.random.default_rng(1).normal(size=(2, labels.size)) + labels


def bootstrap_ours() -> dict[str, float]:
    from fusionmedclip.metrics import bootstrap_auroc_difference

    labels, (first, second) = scored()
    times, found = best_of(3, lambda: bootstrap_auroc_difference(labels, first, second, draws=2000))
    return {**times, "value": found.difference}


def bootstrap_loop() -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    labels, scores = scored()
    rng, draws = np.random.default_rng(2), 100

    def loop() -> float:
        for _ in range(draws):
            rows = np.concatenate(
                [rng.integers(0, NORMAL, NORMAL), rng.integers(NORMAL, labels.size, ANOMALOUS)]
            )
            values = [roc_auc_score(labels[rows], one[rows]) for one in scores]
        return values[0] - values[1]

    times, _ = best_of(1, loop)
    whole_difference = roc_auc_score(labels, scores[0]) - roc_auc_score(labels, scores[1])
    return {name: value * 2000 / draws for name, value in times.items()} | {"value": float(whole_difference)}


def delong_ours() -> dict[str, float]:
    from fusionmedclip.metrics import delong_test

    labels, (first, second) = scored()
    times, found = best_of(20, lambda: delong_test(labels, first, second))
    return {**times, "value": found.difference}


def coverage(normal: int, anomalous: int, spread: float, shared: float, *, studies: int = 400) -> list[float]:
    """Share of simulated studies whose 95 % interval holds the true mean AUROC, for four kinds of interval.

    Three seeds. A score is d * label + noise; d is normal with mean 1.1 and standard deviation `spread`
    from seed to seed, and the unit-variance noise is shared by the seeds to the part `shared`.
    """
    from scipy.stats import norm

    from fusionmedclip import metrics
    from fusionmedclip.metrics.intervals import t_reach

    rng, labels = np.random.default_rng(0), np.arange(normal + anomalous) >= normal
    truth, held = norm.cdf(1.1 / np.sqrt(2 + spread**2)), np.zeros(4)
    for _ in range(studies):
        noise = np.sqrt(shared) * rng.normal(size=labels.size)
        noise = noise + np.sqrt(1 - shared) * rng.normal(size=(3, labels.size))
        scores = (1.1 + spread * rng.normal(size=(3, 1))) * labels + noise
        over = metrics.random_seeds(metrics.delong(labels, scores).aurocs)
        reach = t_reach(over.standard_error, level=0.95, degrees=over.degrees)
        found = [
            metrics.auroc_over_seeds(labels, scores)[1:],
            metrics.bootstrap_auroc_over_seeds(labels, scores, draws=500)[1:],
            (over.mean - reach, over.mean + reach),
            metrics.bootstrap_auroc(labels, scores[0], draws=500)[1:],
        ]
        held += [low <= truth <= high for low, high in found]
    return list(held / studies)


def show_coverage(console: Console) -> None:
    table = Table(title="Coverage of nominal 95 % intervals, three seeds, 400 studies (standard error 0.011)")
    for column in (
        "normal",
        "anomalous",
        "spread",
        "shared",
        "t, both",
        "bootstrap, both",
        "t, seeds",
        "one run",
    ):
        table.add_column(column, justify="right")
    for case in [(65, 155, 0.02, 0.7), (65, 155, 0.15, 0.7), (101, 647, 0.15, 0.7), (1000, 1000, 0.3, 0.9)]:
        table.add_row(*map(str, case), *(f"{share:.3f}" for share in coverage(*case)))
    console.print(table)


CASES = {
    "pixel AUROC, float32 maps": (partial(pixel_ours, np.float32), PIXEL_BAR),
    "pixel AUROC, float16 maps": (partial(pixel_ours, np.float16), PIXEL_BAR),
    "pixel AUROC, AP and AUPRO, streamed": (pixel_streamed, PIXEL_BAR),
    "pixel AUROC, scikit-learn": (pixel_sklearn, "for comparison"),
    "paired bootstrap, 2,000 draws, n = 748": (bootstrap_ours, BOOTSTRAP_BAR),
    "the same by a loop (from 100 draws)": (bootstrap_loop, "for comparison"),
    "DeLong test, n = 748": (delong_ours, ""),
}
REFERENCES = {"pixel": "pixel AUROC, scikit-learn", "paired": "the same by a loop (from 100 draws)"}


def child(name: str) -> None:
    found = CASES[name][0]()
    unit = 1 if sys.platform == "darwin" else 1024
    found["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps(found))


def measure(name: str) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, "--child", name],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", choices=CASES, help="measure one row in this process and print JSON")
    parser.add_argument("--coverage", action="store_true", help="simulate coverage instead of timing")
    options, console = parser.parse_args(), Console(width=130)
    if options.child:
        return child(options.child)
    if options.coverage:
        return show_coverage(console)
    with console.status("measuring"):
        found = {name: measure(name) for name in CASES}
    table = Table(title="Metrics")
    for column in ("what", "seconds", "processor", "times faster", "peak memory", "bar", "result"):
        table.add_column(column, justify="left" if column == "what" else "right", no_wrap=True)
    for name, row in found.items():
        reference = REFERENCES.get(name.split()[0])
        ratio = f"{found[reference]['processor'] / row['processor']:.1f}" if reference else ""
        memory = f"{row['peak_bytes'] / 1e9:.2f} GB"
        times = [f"{row[kind]:.3f}" for kind in ("seconds", "processor")]
        table.add_row(name, *times, ratio, memory, CASES[name][1], f"{row['value']:.9f}")
    console.print(table)
    console.print(f"load of this machine while measuring: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return None


if __name__ == "__main__":
    main()
