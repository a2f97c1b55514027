"""Row 6 of Table 8 at ViT-L/14: trainable state, peak memory, cost of a step, bfloat16 beside float32.

    python benchmarks/bench_model.py            # some minutes on one core
    python benchmarks/bench_model.py --small    # a ViT-S/16 instead, for a quick look
    python benchmarks/bench_model.py --stock    # also peft's own LoRA layer, to see what ours saves

Weights are random. Every row is a process of its own, so that its peak memory (weights, libraries and all) is
its own; forward and step of a row alternate in one process and the least of each is kept. "processor" is
processor time, which other work on the machine lengthens little; the ratios are of it, wall time stands
beside it. A step is forward, loss, backward and AdamW; drawing the anomalies is not part of it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

RATIO_BAR = 2.2
SMALL = {
    "embed_dim": 384,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 224, "layers": 12, "width": 384, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 384, "heads": 6, "layers": 12},
}


def backbone_settings(small: bool):
    from fusionmedclip.models.backbones.store import BackboneSettings

    return BackboneSettings(model=SMALL) if small else BackboneSettings()


def timed(call: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Bench:
    """A frozen backbone and row 6 over a copy of it, on the same images."""

    def __init__(self, *, small: bool, batch: int, precision: str, stock: bool):
        import torch

        from fusionmedclip.models.adaptation.lora_linear import LowRankLinear
        from fusionmedclip.models.backbones.store import build_backbone
        from fusionmedclip.models.fusion import FusionModel
        from fusionmedclip.models.settings import ModelSettings
        from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings
        from fusionmedclip.training.optimiser import make_optimiser

        if stock:
            LowRankLinear._in_one_step = lambda self, x: False
        self.torch, self.precision, self.loss = torch, precision, LossSettings()
        self.backbone = build_backbone(backbone_settings(small))
        self.layers = (6, 9, 12) if small else (12, 18, 24)
        self.model = FusionModel(self.backbone, ModelSettings(layers=self.layers), seed=0).train()
        self.updates = make_optimiser(self.model.components(), OptimiserSettings())
        random = torch.Generator().manual_seed(0)
        self.pixels = self.backbone.pixels(torch.rand(batch, 224, 224, generator=random))
        self.masks = torch.zeros(batch, 224, 224)
        self.masks[: batch // 2, 60:120, 80:150] = 1

    def step(self) -> None:
        from fusionmedclip.training.losses import total_loss

        self.updates.zero_grad(set_to_none=True)
        with self.backbone.autocast(self.precision):
            scores, maps = self.model(self.pixels)
        total_loss(scores, maps, self.masks, self.loss)[0].backward()
        self.updates.step()

    def maps(self, precision: str):
        self.model.eval()
        with self.torch.inference_mode(), self.backbone.autocast(precision):
            return self.model(self.pixels)[1]


def memory(options: argparse.Namespace) -> dict[str, float]:
    bench = Bench(
        small=options.small, batch=options.batch, precision=options.precision, stock=options.use_stock
    )
    built = peak_bytes()
    for _ in range(2):
        bench.step()
    parameters = [p for ps in bench.model.components().values() for p in ps.values()]
    state = [t for s in bench.updates.state.values() for t in s.values()]
    frozen = [p for p in bench.model.parameters() if not p.requires_grad]
    return {
        "parameters": sum(p.numel() for p in parameters),
        "parameter_bytes": sum(p.nbytes for p in parameters),
        "state_bytes": sum(t.nbytes for t in state),
        "frozen": sum(p.numel() for p in frozen),
        "frozen_gradients": sum(p.grad is not None for p in frozen),
        "built_bytes": built,
        "peak_bytes": peak_bytes(),
    }


def speed(options: argparse.Namespace) -> dict[str, float]:
    """Frozen forward, as open_clip computes it, and step, in turn."""
    from fusionmedclip.models.adaptation.attention import batch_first_attention
    from fusionmedclip.models.backbones.store import build_backbone

    bench = Bench(
        small=options.small, batch=options.batch, precision=options.precision, stock=options.use_stock
    )
    frozen = build_backbone(backbone_settings(options.small))
    if options.precision != "float32":
        batch_first_attention(frozen.visual)  # as the library does

    def forward() -> None:
        with bench.torch.inference_mode(), frozen.autocast(options.precision):
            frozen.feature_maps(bench.pixels, bench.layers)

    forward(), bench.step()  # the first of each pays for the memory
    turns = [(timed(forward), timed(bench.step)) for _ in range(options.repeats)]
    (walls, forwards), (step_walls, steps) = (
        [[turn[which][clock] for turn in turns] for clock in (0, 1)] for which in (0, 1)
    )
    return {
        "forward": min(forwards),
        "step": min(steps),
        "ratio": min(steps) / min(forwards),
        "forward_wall": min(walls),
        "step_wall": min(step_walls),
    }


def agreement(options: argparse.Namespace) -> dict[str, float]:
    """Maps of one trained model in both precisions."""
    bench = Bench(small=options.small, batch=options.batch, precision="float32", stock=False)
    for _ in range(2):
        bench.step()
    exact, half = bench.maps("float32"), bench.maps("bfloat16")
    wrong = (exact - half).abs()
    both = bench.torch.stack([exact.flatten(), half.flatten()])
    return {
        "largest": float(wrong.max()),
        "mean": float(wrong.mean()),
        "spread": float(exact.std()),
        "correlation": float(bench.torch.corrcoef(both)[0, 1]),
    }


PARTS = {"memory": memory, "speed": speed, "agreement": agreement}


def child(part: str, options: argparse.Namespace, **more: str) -> dict[str, float]:
    words = [sys.executable, __file__, "--part", part, "--batch", str(options.batch)]
    words += ["--repeats", str(options.repeats), "--threads", str(options.threads)]
    words += ["--small"] * options.small
    words += [word for name, value in more.items() for word in (f"--{name}", value) if word]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def report(options: argparse.Namespace, console: Console) -> None:
    name = "ViT-S/16" if options.small else "ViT-L/14"
    size = child("memory", options, precision="float32")
    table = Table("row 6", "measured", "bar", title=f"{name}, batch {options.batch}, random weights, CPU")
    table.add_row("trained parameters", f"{size['parameters']:,} of {size['frozen']:,} frozen", "")
    table.add_row("  their bytes", megabytes(size["parameter_bytes"]), "")
    table.add_row("  optimiser state", megabytes(size["state_bytes"]), "")
    table.add_row("frozen tensors with a gradient", f"{size['frozen_gradients']}", "0")
    table.add_row("peak memory before the first step", megabytes(size["built_bytes"]), "")
    table.add_row("peak memory of a step", megabytes(size["peak_bytes"]), "")
    console.print(table)

    title = (
        f"step beside the frozen forward, {options.threads} thread(s), least of {options.repeats}, seconds"
    )
    table = Table("", "forward", "step", "step / forward", "bar", "wall: forward", "step", title=title)
    rows = [("float32", "float32", "no"), ("bfloat16", "bfloat16", "no")]
    rows += [("float32, peft's layer", "float32", "yes")] * options.stock
    for label, precision, stock in rows:
        r = child("speed", options, precision=precision, **{"use-stock": stock})
        bar = f"{RATIO_BAR}" if label == "float32" and not options.small else ""
        table.add_row(
            label, f"{r['forward']:.2f}", f"{r['step']:.2f}", f"{r['ratio']:.2f}", bar,
            f"{r['forward_wall']:.2f}", f"{r['step_wall']:.2f}",
        )  # fmt: skip
    console.print(table)

    a = child("agreement", options)
    console.print(
        f"maps of one model in bfloat16 and float32: largest difference {a['largest']:.4f}, mean "
        f"{a['mean']:.5f} (the map's own deviation is {a['spread']:.4f}), correlation {a['correlation']:.5f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a ViT-S/16 in place of ViT-L/14")
    parser.add_argument("--stock", action="store_true", help="measure peft's own layer too")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    parser.add_argument("--use-stock", choices=["yes", "no"], default="no", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.use_stock = options.use_stock == "yes"
    if options.part is None:
        report(options, Console(width=130))
        return
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import torch

    torch.set_num_threads(options.threads)
    print(json.dumps(PARTS[options.part](options)))


if __name__ == "__main__":
    main()
