"""Figures of SQUID's official code: ``python run_squid.py CLONE``.

The clone is tiangexiang/SQUID at commit 1bb3b70. ``main.gan_train`` and ``main.val`` run as they are with
``configs/chexpert_best.py``, on the CPU; the network is smaller (64 pixels, 8 channels, 50 slots), its masks
are the recipe's, the rate falls step by step as ours does, and training is in float64.
"""

import itertools
import os
import sys
import tempfile
import types

import torch
from recipe import filled, images, show, uniform
from torch import nn

from fusionmedclip.baselines.squid.network import Discriminator, Generator
from fusionmedclip.baselines.squid.settings import SQUIDSettings

CLONE = os.path.abspath(sys.argv[1])
sys.path.insert(0, CLONE)
sys.argv = ["main.py", "--exp", "frozen", "--config", "frozen"]
os.chdir(tempfile.mkdtemp())
os.makedirs("checkpoints")
# tools.py asks for two classes that this module no longer has.
sys.modules["dataloader.dataloader_digit"] = types.SimpleNamespace(AbnomalMNIST=None, AbnomalMNISTTest=None)
nn.Module.cuda = torch.Tensor.cuda = lambda self: self

import dataloader.dataloader_chexpert as data  # noqa: E402
import models.squid as squid  # noqa: E402
import tools  # noqa: E402

data.CheXpert = lambda *_, **__: [0]
tools.backup_files = lambda *_: None

import configs.chexpert_best as config  # noqa: E402

WIDTH, SLOTS, SIZE, GENERATOR_STEPS = 8, 50, 64, 3


class Narrow(config.Config):
    def __init__(self):
        super().__init__()
        self.device = "cpu"
        self.num_slots = self.mem_num_slots = SLOTS
        self.memory_channel = WIDTH * 16 // 4 * 2**2
        self.size = SIZE // 32
        for memory, side in ((self.decoder_memory[2], 4), (self.decoder_memory[3], 2)):
            assert memory["multiplier"] == (2 * side) ** 2  # of 128 pixels
            memory["multiplier"] = side**2
        self.scheduler_args["T_max"] = round(1.5 * GENERATOR_STEPS)


sys.modules["configs.frozen"] = types.SimpleNamespace(Config=Narrow)
sys.modules["models.squid"] = types.SimpleNamespace(
    AE=lambda channels, _width, *args, **kwargs: squid.AE(channels, WIDTH, *args, **kwargs)
)

import main  # noqa: E402

NAMES = {
    "enter.first": "in_conv.conv.conv1",
    "enter.rest": "in_conv.conv.conv2",
    "painting.narrow": "inpaint_block.bottleneck_conv1",
    "painting.attention": "inpaint_block.attention",
    "painting.norms.0": "inpaint_block.attn_norm1",
    "painting.norms.1": "inpaint_block.attn_norm2",
    "painting.feed.0": "inpaint_block.ff.0",
    "painting.feed.2": "inpaint_block.ff.3",
    "painting.widen": "inpaint_block.bottleneck_conv2",
    "student.out": "out_conv.conv",
    "teacher.out": "teacher_out.conv",
    **{f"painting.queues.{i}.memory": f"inpaint_block.memory.{i}.memMatrix" for i in range(4)},
}
for i in range(4):
    for own, theirs in (
        (f"down.{i}", f"down_blocks.{i}.mpconv"),
        (f"student.blocks.{i}", f"up_blocks.{i}.conv"),
        (f"teacher.blocks.{i}", f"teacher_ups.{i}.conv"),
    ):
        NAMES[f"{own}.first"], NAMES[f"{own}.rest"] = f"{theirs}.conv1", f"{theirs}.conv2"


def load_weights() -> None:
    settings = SQUIDSettings(image_size=SIZE, width=WIDTH, queue_slots=SLOTS, matrix_slots=SLOTS)
    own = filled(Generator(settings), 0, gain=2.0).state_dict()
    own = {n: 10 * v if "memor" in n else v for n, v in own.items()}  # or the student is nearly flat
    state = {}
    for prefix, theirs in NAMES.items():
        for name in [n for n in own if n == prefix or n.startswith(prefix + ".")]:
            state[theirs + name.removeprefix(prefix)] = own.pop(name)
    for level in range(2):
        channels = WIDTH * 2 ** (3 - level)
        for number, memory in enumerate(own.pop(f"memories.{level}.memory")):
            patches = memory.view(SLOTS, channels, 2 * 2**level, 2 * 2**level)  # channels last there
            name = f"memory_blocks.{3 - level}.memory.{number}.memMatrix"
            state[name] = patches.permute(0, 2, 3, 1).flatten(1)
    assert all(name.endswith("position") for name in own)
    main.model.load_state_dict(state)
    judge = filled(Discriminator(SIZE), 1, gain=2.0).state_dict()
    renamed = {n.replace("body", "conv_model").replace("head", "regressor"): v for n, v in judge.items()}
    main.discriminator.load_state_dict(renamed)


def shown(seed: int, count: int) -> torch.Tensor:
    return torch.from_numpy(images(seed, count, SIZE))[:, None]


def training() -> None:
    seeds = itertools.count(100)
    torch.bernoulli = lambda p: (torch.from_numpy(uniform(next(seeds), *p.shape)) < p).to(p)
    judged, losses = [], []
    step = main.train_discriminator
    main.train_discriminator = lambda image: judged.append(step(image) / main.CONFIG.d_w) or judged[-1]
    for epoch in range(GENERATOR_STEPS):
        batches = [(shown(10 + 2 * epoch + i, 2).double(), torch.zeros(2)) for i in range(2)]
        losses.append(2 * main.gan_train(batches, epoch)["loss"])  # of two batches one has a generator step
        main.scheduler.step()
    show("JUDGE_LOSSES", judged)
    show("GENERATOR_LOSSES", losses)


def outputs(when: str) -> None:
    """In evaluation mode, the discriminator too; then ``val``, which leaves it in training mode."""
    main.model.eval()
    main.discriminator.eval()
    with torch.no_grad():
        out = main.model(shown(2, 2))
        logits = main.discriminator(out["recon"])
    main.discriminator.train()
    alone = main.val([(image[None], torch.zeros(1)) for image in shown(2, 2)], 0)[2]
    show(f"STUDENT_{when}", out["recon"][1, 0, 4::16, 4::16])
    show(f"TEACHER_{when}", out["teacher_recon"][1, 0, 4::16, 4::16])
    show(f"DISTANCE_{when}", out["dist_loss"])
    show(f"LOGITS_{when}", logits[:, 0])
    show(f"LOGITS_ALONE_{when}", torch.tensor([float(value[0]) for value in alone]))


torch.set_num_threads(1)
load_weights()
outputs("BEFORE")
load_weights()  # val moves the discriminator's running statistics
for module in (main.model, main.discriminator):
    module.double()
training()
for module in (main.model, main.discriminator):
    module.float()
outputs("AFTER")
