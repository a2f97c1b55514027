"""Cost of anomaly synthesis: each task, the default mixture, and its share of a training step.

    python benchmarks/bench_synthesis.py [--data DIR]

DIR holds real images as brainmri/no, busi/normal and cxr/NORMAL (default: the folder named by
FUSIONMEDCLIP_TEST_DATA); without it phantoms of the three modalities stand in. Images are 224 x 224, one core
is used. Times are processor time, which other work on the machine does not lengthen: of one draw the least of
several repeats, of many draws the median. The parent's costs were measured once, on a machine of the same
kind, and are not repeated here.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from fusionmedclip.randomness import generator
from fusionmedclip.synthesis import AnomalyStream, SynthesisSettings
from fusionmedclip.synthesis.tasks import synthesize_scene

SIDE, SUPPORT, DRAWS, REPEATS = 224, 16, 60, 4

SETS = {
    "brain_mri": "brainmri/no",
    "breast_ultrasound": "busi/normal",
    "chest_xray": "cxr/NORMAL",
}

# task: bar in ms (median), the parent's cost in ms
BARS = {
    "cutpaste": (1.5, "11-16"),
    "poisson": (3.0, "-"),
    "gaussian": (1.5, "18-19"),
    "density": (None, "-"),
    "source": (1.0, "2.0"),
    "sink": (1.0, "1.9-3.3"),
    "guided": (1.0, "-"),
    "mixture": (1.2, "8-9"),
}


def real_support(folder: Path) -> np.ndarray:
    """(16, 224, 224) float32 images of a folder."""
    from fusionmedclip.data import load_images

    files = [file for file in sorted(folder.iterdir()) if "mask" not in file.name]
    step = max(1, len(files) // SUPPORT)
    return load_images(files[::step][:SUPPORT], SIDE)


def phantom_support(modality: str) -> np.ndarray:
    """(16, 224, 224) float32 normal phantoms."""
    from fusionmedclip.data.phantoms import draw_phantom

    drawn = [draw_phantom(modality, size=SIDE, lesion=False, seed=0, index=i) for i in range(SUPPORT)]
    return np.stack([phantom.image for phantom in drawn])


def timed(call: Callable[[], object]) -> float:
    best = np.inf
    for _ in range(REPEATS):
        start = time.thread_time()
        call()
        best = min(best, time.thread_time() - start)
    return best * 1e3


def costs(stream: AnomalyStream, task: str) -> list[float]:
    """Milliseconds of each draw."""
    images, anatomies = stream.support, stream._anatomies

    def draw(index: int) -> None:
        base = index % len(images)
        rng = generator(0, task, index)
        synthesize_scene(
            images[base], anatomies[base], images, anatomies, task=task, rng=rng, settings=stream.settings
        )

    if task == "mixture":
        return [timed(lambda index=index: stream.draw(0, index)) for index in range(4 * DRAWS)]
    return [timed(lambda index=index: draw(index)) for index in range(DRAWS)]


def tasks_table(streams: dict[str, AnomalyStream], console: Console) -> float:
    """Print the table; return the mixture's mean cost in ms."""
    table = Table(title=f"ms an image, {SIDE} x {SIDE}, one core: medians, mean and 95 % point")
    short = [name.split("_")[0] for name in streams]
    for name in ("task", *short, "all", "mean", "95 %", "bar", "parent"):
        table.add_column(name, justify="left" if name == "task" else "right")
    for task, (bar, parent) in BARS.items():
        parts = {name: costs(stream, task) for name, stream in streams.items()}
        whole = np.concatenate(list(parts.values()))
        median = float(np.median(whole))
        verdict = "-" if bar is None else f"{bar:.1f} {'met' if median <= bar else 'MISSED'}"
        medians = [f"{np.median(part):.2f}" for part in parts.values()]
        spread = [f"{median:.2f}", f"{whole.mean():.2f}", f"{np.quantile(whole, 0.95):.2f}"]
        table.add_row(task, *medians, *spread, verdict, parent)
    console.print(table)
    return float(whole.mean())


def share_of_training(stream: AnomalyStream, console: Console) -> None:
    """Share of a step on two cores: a batch of 8 drawn inline, then the smallest backbone's forward pass."""
    import timm
    import torch

    # One thread and half its time: as if two cores shared the work without loss, the severest case.
    torch.set_num_threads(1)
    model = timm.create_model("tf_efficientnet_lite0").eval()
    drawing, computing = [], []
    for step in range(24):
        start = time.process_time()
        images, _ = stream.batch(1, range(8 * step, 8 * step + 8))
        drawing.append(time.process_time() - start)
        pixels = torch.from_numpy(images)[:, None].expand(-1, 3, -1, -1).contiguous()
        start = time.process_time()
        with torch.inference_mode():
            model(pixels)
        computing.append(time.process_time() - start)
    draw, compute = 1e3 * np.median(drawing[4:]), 1e3 * np.median(computing[4:]) / 2
    share = draw / (draw + compute)
    console.print(
        f"share of a training step on two cores: {draw:.1f} ms draw a batch of 8; the forward pass alone of "
        f"tf_efficientnet_lite0 takes {compute:.0f} ms: {share:.1%}, bar 5 % "
        f"{'met' if share < 0.05 else 'MISSED'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("FUSIONMEDCLIP_TEST_DATA"))
    data = parser.parse_args().data
    console = Console(width=130)
    cv2.setNumThreads(1)
    streams = {}
    for profile, folder in SETS.items():
        support = phantom_support(profile) if data is None else real_support(Path(data) / folder)
        streams[profile] = AnomalyStream(support, SynthesisSettings.from_dict({"profile": profile}), seed=0)
    console.print(f"images: {'phantoms' if data is None else data}")
    tasks_table(streams, console)
    share_of_training(streams["brain_mri"], console)


if __name__ == "__main__":
    main()
