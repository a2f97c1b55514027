"""The training loop: epochs, validation, early stopping, checkpoints."""

import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.checkpoints import Checkpoints
from fusionmedclip.randomness import generator
from fusionmedclip.training.pretrain.distributed import World
from fusionmedclip.training.pretrain.evaluation import Evaluation
from fusionmedclip.training.pretrain.optimiser import learning_rate, make_optimiser, set_learning_rate
from fusionmedclip.training.pretrain.pictures import Pictures, Prefetcher
from fusionmedclip.training.pretrain.settings import PretrainSettings
from fusionmedclip.training.pretrain.state import RunState, restore_tensors, run_tensors, trained_parameters
from fusionmedclip.training.pretrain.step import TrainStep

__all__ = ["Loop"]


class Loop:
    """Trains the image tower from wherever the last checkpoint stands to the end.

    Parameters
    ----------
    step : TrainStep
    pictures : Pictures
        Of the training pairs.
    evaluation : Evaluation
    checkpoints : Checkpoints
    progress : rich.progress.Progress

    Attributes
    ----------
    state : RunState
    best : dict of str to tensor
        Weights of the epoch to keep, where ``keep`` is ``best``.
    images, seconds : int, float
        Trained in this process, validation and checkpoints not counted.
    prefetcher : Prefetcher
        Knows how long training waited for images.
    """

    def __init__(
        self,
        step: TrainStep,
        pictures: Pictures,
        evaluation: Evaluation,
        checkpoints: Checkpoints,
        progress: Progress,
    ):
        self.step, self.pictures, self.evaluation = step, pictures, evaluation
        self.checkpoints, self.progress = checkpoints, progress
        self.settings: PretrainSettings = step.settings
        self.backbone: Backbone = step.backbone
        self.world: World = step.world
        self.state = RunState()
        self.best: dict[str, Tensor] = {}
        self.images, self.seconds = 0, 0.0
        self.prefetcher = Prefetcher(workers=self.settings.workers, ahead=self.settings.prefetch)
        self.optimiser = make_optimiser(self.backbone, self.settings)
        self.steps_per_epoch = len(pictures.files) // self.settings.batch_size

    def run(self) -> RunState:
        """Train; returns the final state. The tower is left with the weights to keep."""
        self._resume()
        if not self.state.curves:
            self._note(0, "validation")
            self._note(0, "test")
        total = self.settings.max_epochs * self.steps_per_epoch
        task = self.progress.add_task("Stage 1", total=total, completed=self._position())
        plan, shares = self._plan(), self._shares()
        batches = self.prefetcher.batches(self.pictures.view, shares)
        try:
            while not self.state.finished(self.settings):
                epoch, number, order = next(plan)
                self._train(next(batches), order, epoch, number)
                self.progress.update(task, advance=1, description=self._described())
                if number + 1 == self.steps_per_epoch:
                    self._finish_epoch()
                    self._save()
                elif self._between_epochs_due():
                    self._save()
        finally:
            batches.close()
        self._keep_weights()
        return self.state

    def _plan(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """(epoch, step, images of the whole batch) from the present position on."""
        batch, first = self.settings.batch_size, self.state.step
        for epoch in range(self.state.epoch, self.settings.max_epochs):
            order = generator(self.step.seed, "pretrain order", epoch).permutation(len(self.pictures.files))
            for number in range(first, self.steps_per_epoch):
                yield epoch, number, order[number * batch : (number + 1) * batch]
            first = 0

    def _shares(self) -> Iterator[list[tuple[int, int]]]:
        """(epoch, image) of this process's share of each batch, ahead of the training and across epochs."""
        for epoch, _, order in self._plan():
            yield [(epoch, int(index)) for index in order[self.world.share(len(order))]]

    def _train(self, images: np.ndarray, order: np.ndarray, epoch: int, number: int) -> None:
        start, position = time.perf_counter(), self._position()
        rate = learning_rate(position, settings=self.settings, steps_per_epoch=self.steps_per_epoch)
        set_learning_rate(self.optimiser, rate)
        self.optimiser.zero_grad(set_to_none=True)
        result = self.step(images, order, epoch=epoch, step=number)
        if not math.isfinite(result["loss"]):
            raise InputError(
                "the training loss is no longer finite",
                received=f"{result['loss']} at epoch {epoch + 1}, step {number + 1}",
                hint="lower pretrain.learning_rate, lengthen the warm-up, or use precision: float32",
            )
        self.optimiser.step()
        self.state.step = number + 1
        self.state.log.append({"epoch": epoch + 1, "step": position + 1, "learning_rate": rate, **result})
        self.images += len(order)
        self.seconds += time.perf_counter() - start

    def _finish_epoch(self) -> None:
        self.state.epoch, self.state.step = self.state.epoch + 1, 0
        losses = [row["loss"] for row in self.state.log[-self.steps_per_epoch :]]
        mean = float(np.mean(losses))
        row = {"epoch": self.state.epoch, "split": "train", "metric": "loss", "value": mean, "chance": None}
        self.state.curves.append(row)
        loss = self._note(self.state.epoch, "validation")
        if self.state.improved(loss, self.settings) and self.settings.keep == "best":
            parameters = trained_parameters(self.backbone.visual)
            self.best = {name: value.detach().cpu().clone() for name, value in parameters.items()}

        self.progress.console.print(
            f"Stage 1 epoch {self.state.epoch}: training loss {mean:.4f}, validation loss {loss:.4f} "
            f"(best {self.state.best_loss:.4f} in epoch {self.state.best_epoch})",
            highlight=False,
            soft_wrap=True,
        )

    def _note(self, epoch: int, split: str) -> float:
        """Evaluate a split into the curves; returns its loss, the same in every process."""
        measures = self.evaluation.measure(split)
        for measure in measures:
            row = {"metric": measure.metric, "value": measure.value, "chance": measure.chance}
            self.state.curves.append({"epoch": epoch, "split": split, **row})
        return self.world.agree(measures[0].value) if measures else math.nan

    def _keep_weights(self) -> None:
        """Leave the tower with the weights to keep, measured on the test split."""
        parameters = trained_parameters(self.backbone.visual)
        with torch.no_grad():
            for name, value in self.best.items():
                parameters[name].copy_(value)
        self._note(self.state.best_epoch if self.best else self.state.epoch, "test")

    def _resume(self) -> None:
        kept = self.checkpoints.load()
        if kept is None:
            return
        tensors, state = kept
        self.state = RunState.from_json(state)
        self.best = restore_tensors(tensors, self.backbone.visual, self.optimiser)

    def _save(self) -> None:
        if self.world.first:
            tensors = run_tensors(self.backbone.visual, self.optimiser, self.best)
            self.checkpoints.save((self.state.epoch, self.state.step), tensors, self.state.to_json())
        self.world.wait()

    def _position(self) -> int:
        return self.state.epoch * self.steps_per_epoch + self.state.step

    def _between_epochs_due(self) -> bool:
        every = self.settings.checkpoint_steps
        return every is not None and self.state.step % every == 0

    def _described(self) -> str:
        waited = self.prefetcher.waited
        speed = self.images / self.seconds if self.seconds else 0.0
        share = waited / (waited + self.seconds) if self.seconds else 0.0
        return (
            f"Stage 1 epoch {self.state.epoch + 1} loss {self.state.log[-1]['loss']:.3f} "
            f"{speed:.0f} images/s, {share:.0%} waiting"
        )
