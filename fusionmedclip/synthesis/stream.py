"""An endless stream of training pairs that keeps no state: a pure function of seed, epoch and index."""

from collections.abc import Iterable, Mapping
from operator import index as index_of

import numpy as np

from fusionmedclip.luma import as_grey
from fusionmedclip.randomness import generator
from fusionmedclip.synthesis.anatomy import Anatomy
from fusionmedclip.synthesis.settings import SynthesisSettings
from fusionmedclip.synthesis.tasks import check_images, synthesize_scene

__all__ = ["AnomalyStream"]


def _pick(odds: Mapping[str, float], rng: np.random.Generator) -> str:
    # In order of names: the order in which a configuration lists them must not change a draw.
    names = sorted(name for name in odds if odds[name] > 0)
    point = rng.random() * sum(odds[name] for name in names)
    for name in names[:-1]:
        point -= odds[name]
        if point < 0:
            return name
    return names[-1]


class AnomalyStream:
    """Training pairs (image, mask) made from a support set.

    Parameters
    ----------
    support : (k, H, W) or (k, H, W, 3) float32 array
        Normal images in [0, 1], sides of 32 to 1024 pixels. In colour, an anomaly is made on their luma, and
        its change is added to each channel.
    settings : SynthesisSettings, optional
    seed : int
        Of the run.

    Notes
    -----
    The base image of a draw is ``support[index % k]``; family, task and everything else come from a
    generator keyed by (seed, epoch, index). Nothing depends on the number or order of draws, on workers or
    on threads, and no two epochs replay the same draws.

    Examples
    --------
    >>> stream = AnomalyStream(np.random.default_rng(0).random((4, 64, 64), dtype=np.float32), seed=1)
    >>> image, mask = stream.draw(epoch=0, index=5)
    >>> image.shape, mask.dtype
    ((64, 64), dtype('bool'))
    """

    def __init__(self, support: np.ndarray, settings: SynthesisSettings | None = None, seed: int = 0):
        # Copies, so that nothing written to the caller's array later can change a draw.
        self._colours = np.array(support, order="C") if np.ndim(support) == 4 else None
        support = support if self._colours is None else as_grey(self._colours)
        check_images(support, name="support", dimensions=3)
        self.support = np.array(support, order="C")
        self.settings = SynthesisSettings() if settings is None else settings
        self.seed = index_of(seed)
        self._anatomies = [Anatomy(image, foreground=self.settings.foreground) for image in self.support]

    def draw(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """One training pair.

        Parameters
        ----------
        epoch, index : int
            Not negative.

        Returns
        -------
        image : (H, W) float32 array in [0, 1], or in colour (H, W, 3)
        mask : (H, W) bool array
            Empty where the task drawn is ``identity``.
        """
        rng = self._generator(epoch, index)
        task = self._task(rng)
        base = index_of(index) % len(self.support)
        image, mask = synthesize_scene(
            self.support[base],
            self._anatomies[base],
            self.support,
            self._anatomies,
            task=task,
            rng=rng,
            settings=self.settings,
        )
        if self._colours is None:
            return image, mask
        return _in_colour(self._colours[base], image - self.support[base], mask), mask

    def task(self, epoch: int, index: int) -> str:
        """Name of the task that ``draw(epoch, index)`` applies."""
        return self._task(self._generator(epoch, index))

    def batch(self, epoch: int, indices: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Several training pairs of one epoch.

        Returns
        -------
        images : (B, H, W) float32 array, or in colour (B, H, W, 3)
        masks : (B, H, W) bool array
        """
        pairs = [self.draw(epoch, index) for index in indices]
        shape = (self.support if self._colours is None else self._colours).shape[1:]
        images = np.empty((len(pairs), *shape), dtype=np.float32)
        masks = np.empty(images.shape[:3], dtype=bool)
        for row, (image, mask) in enumerate(pairs):
            images[row], masks[row] = image, mask
        return images, masks

    def _generator(self, epoch: int, index: int) -> np.random.Generator:
        return generator(self.seed, "synthesis", index_of(epoch), index_of(index))

    def _task(self, rng: np.random.Generator) -> str:
        families = self.settings.families
        odds = self.settings.family_odds or dict.fromkeys(families, 1.0)
        return _pick(families[_pick(odds, rng)], rng)


def _in_colour(colours: np.ndarray, change: np.ndarray, mask: np.ndarray) -> np.ndarray:
    changed = colours.copy()
    changed[mask] = np.clip(changed[mask] + change[mask][:, None], 0, 1)
    return changed
