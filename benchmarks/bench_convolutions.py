"""A convolutional tower and row 6 over it, beside channels first and peft's own LoRA layers.

    python benchmarks/bench_convolutions.py            # a minute on one core
    python benchmarks/bench_convolutions.py --side 224

The tower is the demo's, EfficientNet-Lite0 with random weights. Both forms take the same steps in turn, in
one process and on one thread; the least processor time of each is kept, and the ratio is of these.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from rich.console import Console
from rich.table import Table

from fusionmedclip.models.adaptation.lora_linear import LowRankPointwise
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import BackboneSettings, build_backbone
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.models.settings import ModelSettings
from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings
from fusionmedclip.training.losses import total_loss
from fusionmedclip.training.optimiser import make_optimiser

LAYERS = (2, 3, 4)
BARS = {"maps of the frozen tower": 1.0, "its pooled embedding (rows 1 to 4)": 0.7, "step of row 6": 0.85}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}


def tower(side: int, *, last: bool) -> Backbone:
    """The tower, channels last or first."""
    vision = {
        "timm_model_name": "tf_efficientnet_lite0",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": side,
    }
    model = {"embed_dim": 64, "vision_cfg": vision, "text_cfg": TEXT}
    backbone = build_backbone(BackboneSettings(model=model, image_size=side))
    if not last:
        backbone.visual.to(memory_format=torch.contiguous_format)
    return backbone


def steps(side: int, batch: int, *, ours: bool) -> dict[str, Callable[[], object]]:
    """Two forward passes and a step, as the library takes them or as they were."""
    frozen, adapted = tower(side, last=ours), tower(side, last=ours)
    images = torch.rand(batch, side, side, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(batch, side, side)
    masks[: batch // 2, side // 4 : side // 2, side // 3 : side // 2] = 1
    model = FusionModel(adapted, ModelSettings(layers=LAYERS), seed=0).train()
    if not ours:
        for module in model.modules():
            if isinstance(module, LowRankPointwise):
                module._in_one_step = lambda x: False
    updates = make_optimiser(model.components(), OptimiserSettings())

    def maps() -> None:
        with torch.inference_mode():
            frozen.feature_maps(frozen.pixels(images), LAYERS)

    def pooled() -> None:
        with torch.inference_mode():
            frozen.gap_features(frozen.pixels(images))

    def step() -> None:
        updates.zero_grad(set_to_none=True)
        scores, maps = model(adapted.pixels(images))
        total_loss(scores, maps, masks, LossSettings())[0].backward()
        updates.step()

    return dict(zip(BARS, (maps, pooled, step), strict=True))


def seconds(call: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--side", type=int, default=96, help="pixels of an image")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    title = f"EfficientNet-Lite0, {options.side} pixels, batch {options.batch}, CPU: processor seconds"
    table = Table("", "channels first, peft's LoRA", "ours", "ratio", "bar", title=title)
    with arithmetic("cpu", deterministic=True):
        before = steps(options.side, options.batch, ours=False)
        ours = steps(options.side, options.batch, ours=True)
        for name, bar in BARS.items():
            before[name](), ours[name]()  # the first of each pays for the memory
            turns = [(seconds(before[name]), seconds(ours[name])) for _ in range(options.repeats)]
            was, now = (min(turn[form] for turn in turns) for form in (0, 1))
            table.add_row(name, f"{was:.3f}", f"{now:.3f}", f"{now / was:.2f}", f"{bar:.2f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
