"""The training loop of Stages 2 and 3: synthetic anomalies on k normal images, last epoch kept."""

import math
from collections.abc import Callable

import numpy as np
import torch

from fusionmedclip.errors import InputError
from fusionmedclip.models.arithmetic import arithmetic
from fusionmedclip.models.detector import Progress
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.randomness import generator, key
from fusionmedclip.synthesis import AnomalyStream
from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings
from fusionmedclip.training.losses import total_loss
from fusionmedclip.training.optimiser import STAGE3, make_optimiser, set_rates

__all__ = ["fit_model"]


def fit_model(
    model: FusionModel,
    stream: AnomalyStream,
    *,
    k: int,
    loss: LossSettings,
    optimiser: OptimiserSettings,
    precision: str = "float32",
    seed: int = 0,
    progress: Progress | None = None,
    on_epoch: Callable[[int, FusionModel], None] | None = None,
) -> FusionModel:
    """Train a model in place.

    Each epoch visits every support image once, in an order keyed by (seed, epoch), with one synthetic draw
    keyed by (seed, epoch, index). No image outside the support set is ever looked at, and the last epoch is
    what remains.

    Parameters
    ----------
    model : FusionModel
    stream : AnomalyStream
        Over the k support images.
    k : int
        Count of support images.
    loss : LossSettings
    optimiser : OptimiserSettings
    precision : str
        See :func:`fusionmedclip.models.arithmetic.arithmetic`.
    seed : int
    progress : callable, optional
        Called after each step with epoch, step, steps (in all), losses and, where it is learnt, tau.
    on_epoch : callable, optional
        Called after each epoch with its number, counted from 1, and the model in eval mode. It cannot steer
        the training: the last epoch is what remains whatever it sees. A workflow may score a test set in it
        to report what the best epoch *would* have given, as MediCLIP reports; such a number is an oracle and
        must be called one wherever it is shown.

    Returns
    -------
    FusionModel
        The same model, in eval mode.

    Raises
    ------
    InputError
        If the loss stops being finite.
    """
    components = model.components()
    if not components or optimiser.epochs == 0:
        return model.eval()
    early = {name: parts for name, parts in components.items() if name not in STAGE3}
    if optimiser.stage2_epochs and not early:
        raise InputError("optimiser.stage2_epochs: Stage 2 has nothing to train", received=list(components))
    model.train()
    step = 0
    for epoch in range(optimiser.epochs):
        if epoch in (0, optimiser.stage2_epochs):
            updates = make_optimiser(early if epoch < optimiser.stage2_epochs else components, optimiser)
        order = generator(seed, "order", epoch).permutation(k)
        for start in range(0, k, optimiser.batch_size):
            set_rates(updates, optimiser, done=step / optimiser.steps(k))
            images, masks = stream.batch(epoch, order[start : start + optimiser.batch_size].tolist())
            with arithmetic(model.backbone.mean.device.type, precision=precision):
                parts = _step(
                    model, updates, images, masks, loss=loss, precision=precision, seed=seed, step=step
                )
            step += 1
            if progress is not None:
                progress({"epoch": epoch + 1, "step": step, "steps": optimiser.steps(k), **parts})
        if on_epoch is not None:
            # Every step keys its own draws, so that training goes on as if nobody had looked.
            with torch.no_grad():
                on_epoch(epoch + 1, model.eval())
            model.train()
    return model.eval()


def _step(
    model: FusionModel,
    updates: torch.optim.Optimizer,
    images: np.ndarray,
    masks: np.ndarray,
    *,
    loss: LossSettings,
    precision: str,
    seed: int,
    step: int,
) -> dict[str, float]:
    backbone = model.backbone
    device = backbone.mean.device
    updates.zero_grad(set_to_none=True)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        # Dropout draws from torch's own generator: key it, so that a step is a function of its number.
        torch.manual_seed(key(seed, "dropout", step) % 2**63)
        with backbone.autocast(precision):
            scores, maps = model(backbone.pixels(images))
        maps = None if maps is None else maps.float()
        value, parts = total_loss(scores.float(), maps, torch.as_tensor(masks, device=device), loss)
        loss_value = float(value.detach())
        if not math.isfinite(loss_value):
            raise InputError(
                f"the loss is no longer finite at step {step + 1}",
                received=loss_value,
                hint="lower optimiser.learning_rates, or train in precision: float32",
            )
        value.backward()
    updates.step()
    tau = {}
    if model.settings.temperature.learnable:
        model.temperature.clamp()
        tau = {"tau": float(model.temperature().detach())}
    return {"loss": loss_value, **parts, **tau}
