"""Figures of AnoDDPM's official code: ``python run_anoddpm.py CLONE``.

The clone is Julian-Wyatt/AnoDDPM at commit 3052f04; it needs numba and scikit-image beside this project's
packages. The network is made as ``diffusion_training.train`` makes it, ``attention_resolutions`` left out;
the steps are that loop's.
"""

import copy
import sys

import numpy as np
import torch
from recipe import filled, images, normal, show

from fusionmedclip.baselines.anoddpm.simplex import lattice_weights
from fusionmedclip.baselines.anoddpm.unet import DiffusionUNet

sys.path.insert(0, sys.argv[1])

import GaussianDiffusion as official
from simplex import GRADIENTS3, Simplex_CLASS
from UNet import UNetModel, update_ema_params

SIZE = 32
CHANNELS, ATTENTION = (32, 64, 96, 128), (True, True, True, False)


def network() -> UNetModel:
    """Channels 1, 2, 3, 4 times 32, weights of the recipe."""
    made = UNetModel(SIZE, 32, channel_mults="", n_heads=2, n_head_channels=-1, in_channels=1)
    ours = filled(DiffusionUNet(CHANNELS, ATTENTION), 0)
    own, theirs = ours.state_dict(), made.state_dict()
    assert [tuple(v.shape) for v in own.values()] == [tuple(v.shape) for v in theirs.values()]
    made.load_state_dict(dict(zip(theirs, own.values(), strict=True)))
    return made.eval()


def noise(seed: int) -> torch.Tensor:
    return torch.from_numpy(normal(seed, 1, 1, SIZE, SIZE))


def training() -> None:
    model = network().train()
    ema = copy.deepcopy(model)
    diffusion = official.GaussianDiffusionModel(
        [SIZE, SIZE], official.get_beta_schedule(1000, "linear"), loss_type="l2", noise="simplex"
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, betas=(0.9, 0.999))
    image = torch.from_numpy(images(1, 1, SIZE))[:, None] * 2 - 1
    losses = []
    for step in range(6):
        diffusion.noise_fn = lambda _x, _t, step=step: noise(100 + step)
        torch.randint = lambda *_args, step=step, **_kw: torch.tensor([97 * step])  # p_loss draws t
        loss, _ = diffusion.p_loss(model, image, {"train_start": True, "sample_distance": 800})
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimiser.step()
        update_ema_params(ema, model, 0.05)
        losses.append(loss.item())
    show("LOSSES", losses)
    show("OUT_AFTER", ema.eval()(noise(1), torch.tensor([500]))[0, 0, 2::8, 2::8])


def detection() -> None:
    """As in ``detection.anomalous_metric_calculation``, with 12 of its 200 steps."""
    diffusion = official.GaussianDiffusionModel(
        [SIZE, SIZE], official.get_beta_schedule(1000, "linear"), noise="simplex"
    )
    diffusion.noise_fn = lambda _x, _t: noise(200)
    official.generate_simplex_noise = lambda _s, _x, t, *_args, **_kw: noise(201 + int(t[0]))
    image = torch.from_numpy(images(2, 1, SIZE))[:, None] * 2 - 1
    output = diffusion.forward_backward(
        network(), image, see_whole_sequence=None, t_distance=12, denoise_fn="simplex"
    )
    error = (image - output).square()
    show("ERROR", error[0, 0, 2::8, 2::8])
    show("ERROR_MEAN", error.mean())


def simplex() -> None:
    points = np.random.RandomState(3).uniform(-20, 20, (6, 3))
    noise = Simplex_CLASS()
    noise.newSeed(7)
    vertices, _ = lattice_weights(points)
    perm, index = noise._perm, noise._perm_grad_index3
    gradients = []
    for x, y, z in vertices:
        start = index[(perm[(perm[x & 0xFF] + y) & 0xFF] + z) & 0xFF]
        gradients.append(GRADIENTS3[start : start + 3])
    show("GRADIENTS_AT", np.array(gradients))
    show("NOISE", [noise.noise3(*point) for point in points])


torch.set_num_threads(1)
with torch.no_grad():
    x = torch.from_numpy(normal(1, 2, 1, SIZE, SIZE))
    out = network()(x, torch.tensor([3, 777]))
    show("OUT", out[:, 0, 2::8, 2::8])
    show("OUT_STD", out.std())
training()
detection()
simplex()
