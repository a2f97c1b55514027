"""The training loop of Stages 2 and 3: synthetic anomalies on k normal images, last epoch kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from fusionmedclip.errors import InputError
from fusionmedclip.models.detector import Progress
from fusionmedclip.models.fusion import FusionModel
from fusionmedclip.randomness import generator, key
from fusionmedclip.steps.ahead import drawn_ahead
from fusionmedclip.steps.captured import captured, side_stream
from fusionmedclip.steps.readings import Readings
from fusionmedclip.synthesis import AnomalyStream
from fusionmedclip.training.fit_settings import LossSettings, OptimiserSettings
from fusionmedclip.training.losses import total_loss
from fusionmedclip.training.optimiser import STAGE3, make_optimiser, set_rates
from fusionmedclip.training.precision import in_precision

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
    capture: bool = True,
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
    device, step = model.backbone.mean.device, 0
    readings = Readings(progress, device=device.type)
    capture &= optimiser.schedule == "constant"  # a recorded step has the rates of its recording
    with _own_draws(device), in_precision(model.backbone, precision), side_stream(device):
        for epoch, first, last, images, masks in _batches(stream, k, optimiser, seed, device):
            if first and epoch in (0, optimiser.stage2_epochs):
                updates = make_optimiser(early if epoch < optimiser.stage2_epochs else components, optimiser)
                step_of = partial(_step, model, updates, loss=loss, precision=precision)
                take = captured(step_of, device, wanted=capture)
            set_rates(updates, optimiser, done=step / optimiser.steps(k))
            # Dropout draws from torch's own generator: key it, so that a step is a function of its number.
            torch.manual_seed(key(seed, "dropout", step) % 2**63)
            values = take(images, masks)
            step += 1
            readings.add({"epoch": epoch + 1, "step": step, "steps": optimiser.steps(k)}, values)
            if last and on_epoch is not None:
                readings.read()
                # Every step keys its own draws, so that training goes on as if nobody had looked.
                with torch.no_grad():
                    on_epoch(epoch + 1, model.eval())
                model.train()
        readings.read()
    return model.eval()


@contextmanager
def _own_draws(device: torch.device) -> Iterator[None]:
    """torch's generators are put back at the end, so that nothing outside depends on what was drawn."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


def _batches(
    stream: AnomalyStream, k: int, optimiser: OptimiserSettings, seed: int, device: torch.device
) -> Iterator[tuple[int, bool, bool, Tensor, Tensor]]:
    """Epoch, whether it is the epoch's first and its last batch, images and masks, of all steps."""
    plan = []
    for epoch in range(optimiser.epochs):
        order = generator(seed, "order", epoch).permutation(k)
        batches = [order[start : start + optimiser.batch_size] for start in range(0, k, optimiser.batch_size)]
        plan += [(epoch, n == 0, n == len(batches) - 1, rows) for n, rows in enumerate(batches)]
    drawn = drawn_ahead((partial(stream.batch, epoch, rows.tolist()) for epoch, *_, rows in plan), device)
    for (epoch, first, last, _), (images, masks) in zip(plan, drawn, strict=True):
        yield epoch, first, last, images, masks


def _step(
    model: FusionModel,
    updates: torch.optim.Optimizer,
    images: Tensor,
    masks: Tensor,
    *,
    loss: LossSettings,
    precision: str,
) -> dict[str, Tensor]:
    backbone = model.backbone
    updates.zero_grad(set_to_none=True)
    with backbone.autocast(precision):
        scores, maps = model(backbone.pixels(images))
    maps = None if maps is None else maps.float()
    value, parts = total_loss(scores.float(), maps, masks, loss)
    value.backward()
    updates.step()
    values = {"loss": value.detach(), **parts}
    if model.settings.temperature.learnable:
        model.temperature.clamp()
        values["tau"] = model.temperature().detach().clone()
    return values
