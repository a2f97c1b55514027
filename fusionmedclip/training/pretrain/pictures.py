"""The input pipeline: threads decode, augment and stack images ahead of the model.

A view of a picture depends on (seed, epoch, picture) alone, so the number of threads changes nothing but the
speed. Threads suffice because Pillow and OpenCV release the interpreter's lock.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from fusionmedclip.randomness import generator
from fusionmedclip.training.pretrain.augment import augment, centre_crop, decode, stored_side
from fusionmedclip.training.pretrain.settings import AugmentSettings

__all__ = ["Pictures", "Prefetcher"]


class Pictures:
    """Decoded pictures of one list of files, kept in memory up to a limit.

    Parameters
    ----------
    files : sequence of str
    size : int
        Side of the views, pixels.
    settings : AugmentSettings
    seed : int
    cache_bytes : int
        Decoded pictures are kept up to this much memory; the others are decoded whenever needed.
    """

    def __init__(
        self, files: Sequence[str], *, size: int, settings: AugmentSettings, seed: int, cache_bytes: int
    ):
        self.files, self.size, self.settings, self.seed = list(files), size, settings, seed
        self.cache_bytes = cache_bytes
        self._side = stored_side(size, settings)
        self._kept: dict[int, np.ndarray] = {}
        self._bytes = 0

    def picture(self, index: int) -> np.ndarray:
        """Decoded picture (H, W) uint8."""
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        picture = decode(self.files[index], self._side)
        # Threads may overshoot the limit by one picture each; a limit is all it has to be.
        if index not in self._kept and self._bytes + picture.nbytes <= self.cache_bytes:
            self._kept[index] = picture
            self._bytes += picture.nbytes
        return picture

    def view(self, epoch: int, index: int) -> np.ndarray:
        """Augmented view (size, size) float32 in [0, 1] of one picture in one epoch."""
        rng = generator(self.seed, "pretrain augment", epoch, index)
        return augment(self.picture(index), size=self.size, settings=self.settings, rng=rng)

    def plain(self, index: int) -> np.ndarray:
        """Centre crop (size, size) float32 in [0, 1]."""
        return centre_crop(self.picture(index), self.size)


class Prefetcher:
    """Stacks of images, prepared in order by threads while the model computes.

    Parameters
    ----------
    workers : int
        Threads.
    ahead : int
        Batches under way beyond the one in use.

    Attributes
    ----------
    waited : float
        Seconds that the consumer has waited for images.
    """

    def __init__(self, *, workers: int, ahead: int):
        self.workers, self.ahead = workers, ahead
        self.waited = 0.0

    def batches(
        self, make: Callable[..., np.ndarray], plan: Iterable[Sequence[tuple]]
    ) -> Generator[np.ndarray, None, None]:
        """Yield ``np.stack([make(*item) for item in batch])`` for each batch of the plan.

        Yields
        ------
        (B, size, size) float32 array
        """
        with ThreadPoolExecutor(self.workers, thread_name_prefix="pictures") as pool:
            waiting: deque[list[Future]] = deque()
            rest = iter(plan)
            try:
                while True:
                    for batch in rest:
                        waiting.append([pool.submit(make, *item) for item in batch])
                        if len(waiting) > self.ahead:
                            break
                    if not waiting:
                        return
                    yield self._collect(waiting.popleft())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _collect(self, futures: list[Future]) -> np.ndarray:
        start = time.perf_counter()
        stacked = np.stack([future.result() for future in futures])
        self.waited += time.perf_counter() - start
        return stacked
