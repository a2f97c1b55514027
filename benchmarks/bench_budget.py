"""How long AnoDDPM's training loss falls: its budget, seen without a test image.

    python benchmarks/bench_budget.py                 # half an hour on one core

A small network (32 pixels, levels of 8 and 16 channels) on k brain phantoms, official settings else. Prints
the mean loss of each twelfth of the epochs, and by how much it is below the one before.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from gpu_cells import phantoms
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fusionmedclip.baselines import create

PARTS = 12
SIDE, DRAWN = 32, 64  # pixels that the network sees, that a phantom has
NETWORK = {"channels": [8, 16], "attention": [False, True], "norm_groups": 8, "residual_blocks": 1}


def losses(k: int, epochs: int, seed: int) -> np.ndarray:
    """(epochs, k) loss of each step."""
    found: list[float] = []
    support = phantoms("brain_mri", k, lesion=False, side=DRAWN)
    detector = create("anoddpm", image_size=SIDE, epochs=epochs, **NETWORK)
    with Progress(console=Console(stderr=True)) as shown:
        task = shown.add_task(f"k = {k}, seed {seed}", total=k * epochs)

        def heard(row: dict) -> None:
            found.append(row["loss"])
            shown.advance(task)

        detector.fit(support, seed=seed, progress=heard)
    return np.reshape(found, (epochs, k))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--epochs", type=int, default=6000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked = parser.parse_args()
    table = Table(
        "k", "seed", "epochs", "mean loss", "below the one before", title=f"{SIDE} pixels, training loss"
    )
    for k in asked.shots:
        for seed in asked.seeds:
            each = losses(k, asked.epochs, seed)
            means = [part.mean() for part in np.array_split(each, PARTS)]
            for part, mean in enumerate(means):
                fell = f"{100 * (1 - mean / means[part - 1]):.1f} %" if part else ""
                table.add_row(
                    str(k), str(seed), f"to {(part + 1) * asked.epochs // PARTS}", f"{mean:.4f}", fell
                )
            table.add_section()
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
