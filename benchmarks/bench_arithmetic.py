"""What the steps of the trained baselines compute at the protocol's size: TFLOP a step, and at some speeds.

    python benchmarks/bench_arithmetic.py                # ten minutes on a CPU, which need not be fast
    python benchmarks/bench_arithmetic.py squid simplenet

Matrix products and convolutions, forward and backward, as torch's FlopCounterMode counts them: the fit of two
steps less that of one. `float32` and `tf32` are what that takes at 35 and 150 TFLOP/s, assumed of a card.
"""

import argparse

import torch
from gpu_cells import SHOTS, Cell, phantoms
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

SPEEDS = {"float32": 35, "tf32": 150}
"""TFLOP/s."""
BASELINES = ("simplenet", "cutpaste", "regad", "squid", "anoddpm")


def flops(cell: Cell, steps: int) -> int:
    """Of a fit, what comes before its first step included."""
    detector = cell.made("cpu", **cell.trained_for(steps))
    with FlopCounterMode(display=False) as count:
        detector.fit(phantoms("brain_mri", SHOTS, lesion=False, side=cell.side), seed=0, **cell.others())
    return count.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("methods", nargs="*", default=BASELINES, help="of the protocol")
    torch.set_num_threads(1)
    shown = Table(
        "method", "TFLOP a step", "steps", *(f"{name}, ms a step" for name in SPEEDS), title=f"k = {SHOTS}"
    )
    for name in parser.parse_args().methods:
        cell = Cell(name, name, name)
        step = (flops(cell, 2) - flops(cell, 1)) / 1e12
        times = (f"{1e3 * step / speed:.1f}" for speed in SPEEDS.values())
        shown.add_row(name, f"{step:.3f}", f"{cell.steps():,}", *times)
    Console(width=100).print(shown)


if __name__ == "__main__":
    main()
