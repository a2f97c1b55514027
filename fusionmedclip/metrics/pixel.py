"""Exact pixel metrics of any number of pixels in constant memory."""

import math
import operator
import zipfile
from pathlib import Path
from typing import Self

import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.guard import reading
from fusionmedclip.metrics.checks import check_maps
from fusionmedclip.metrics.float16_bins import BINS, bins_of_bits, counts_of_bits, float16_bits
from fusionmedclip.metrics.regions import MAX_REGIONS, REGION_MASS, region_mass, regions_of

__all__ = ["PixelCounts"]

_FORMAT = 1
_CHUNK_PIXELS = 1 << 20
_ARRAYS = ("positive", "negative", "mass")


def _exact_dot(first: np.ndarray, second: np.ndarray) -> int:
    """Dot product of integers without overflow: pairs of a billion pixels each exceed 64 bits."""
    used = np.flatnonzero(first)
    return sum(map(operator.mul, first[used].tolist(), second[used].tolist()))


class PixelCounts:
    """Counts of anomalous and normal pixels per float16 score value (1.5 MB, whatever was counted).

    Scores are rounded to float16. On the rounded scores AUROC, AP and AUPRO are exact, ties included,
    because a float16 takes only 65,536 values. Counts are integers: the order of images, the size of
    batches and the grouping of parts change nothing, not even the last bit.

    float16 has 11 significant bits from 6.1e-5 to 65,504, steps of 6.0e-8 below that, and steps of
    4.9e-4 just under 1. Values of 65,520 and above (below -65,520) tie at infinity. :meth:`auroc_slack`
    says how much all of that can have moved the AUROC. Pixels of one image must come in one call, since
    regions are found there.

    Examples
    --------
    >>> maps = np.array([[[0.1, 0.9], [0.4, 0.2]]])
    >>> PixelCounts().update(maps, maps > 0.3).auroc()
    1.0
    """

    def __init__(self) -> None:
        self._positive = np.zeros(BINS, np.int64)
        self._negative = np.zeros(BINS, np.int64)
        self._mass = np.zeros(BINS, np.int64)
        self._regions = 0

    @property
    def positives(self) -> int:
        """Anomalous pixels counted."""
        return int(self._positive.sum())

    @property
    def negatives(self) -> int:
        """Normal pixels counted."""
        return int(self._negative.sum())

    @property
    def regions(self) -> int:
        """Connected anomalous regions counted (8-connectivity)."""
        return self._regions

    def update(self, maps: np.ndarray, masks: np.ndarray) -> Self:
        """Count the pixels of N whole images.

        Parameters
        ----------
        maps : (N, H, W) float array
            Anomaly maps, higher where more anomalous, finite, on any scale.
        masks : (N, H, W) bool array
            True where anomalous; all False for a normal image.

        Raises
        ------
        InputError
            If shapes or dtypes are wrong or a value is NaN or infinite; nothing is counted then.
        """
        maps, masks = check_maps(maps, masks)
        part = PixelCounts()
        step = max(1, _CHUNK_PIXELS // max(1, maps[0].size)) if len(maps) else 1
        for start in range(0, len(maps), step):
            part._count(float16_bits(maps[start : start + step]), masks[start : start + step])
        self._include(part)
        return self

    def _count(self, bits: np.ndarray, masks: np.ndarray) -> None:
        bins = bins_of_bits(bits[masks.ravel()])
        positive = np.bincount(bins, minlength=BINS)
        self._positive += positive
        self._negative += counts_of_bits(bits) - positive
        region, count = regions_of(masks)
        self._mass += region_mass(bins, region, count)
        self._regions += count

    def _include(self, other: "PixelCounts") -> None:
        if self._regions + other._regions > MAX_REGIONS:
            raise InputError(
                "too many regions for exact sums",
                received=self._regions + other._regions,
                allowed=f"at most {MAX_REGIONS}",
                hint="are the masks noise, or the images shuffled pixels?",
            )
        for name in _ARRAYS:
            getattr(self, f"_{name}").__iadd__(getattr(other, f"_{name}"))
        self._regions += other._regions

    def __add__(self, other: "PixelCounts") -> "PixelCounts":
        if not isinstance(other, PixelCounts):
            return NotImplemented
        total = PixelCounts()
        total._include(self)
        total._include(other)
        return total

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PixelCounts):
            return NotImplemented
        same = all(np.array_equal(getattr(self, f"_{name}"), getattr(other, f"_{name}")) for name in _ARRAYS)
        return same and self._regions == other._regions

    def __repr__(self) -> str:
        return f"PixelCounts(positives={self.positives}, negatives={self.negatives}, regions={self.regions})"

    def auroc(self) -> float:
        """Pixel AUROC over all pixels of all images (thesis section 4.3), ties counting one half; 0-1."""
        self._need_both()
        below = np.cumsum(self._negative) - self._negative
        wins = _exact_dot(self._positive, 2 * below + self._negative)
        return wins / (2 * self.positives * self.negatives)

    def auroc_slack(self) -> float:
        """Bound on how far the AUROC of the maps before rounding can lie from :meth:`auroc`.

        Rounding cannot swap pixels, only tie them, and each tied pair counts one half instead of 0 or 1:
        the bound is half the share of pairs that are tied. Pairs tied before rounding are included.
        """
        self._need_both()
        return _exact_dot(self._positive, self._negative) / (2 * self.positives * self.negatives)

    def ap(self) -> float:
        """Pixel average precision: sum of (recall step) x precision over distinct values; 0-1."""
        self._need_both()
        found, false = self._descending()
        step = np.diff(found, prepend=0)
        return math.fsum(step * (found / (found + false))) / self.positives

    def aupro(self, limit: float = 0.3) -> float:
        """Normalised area under the per-region overlap curve up to a false positive rate.

        Bergmann et al., "The MVTec Anomaly Detection Dataset", IJCV 129 (2021), section 5: at each
        threshold the mean, over all anomalous regions, of the share of the region at or above it, against
        the share of normal pixels (of all images) at or above it; trapezoids between distinct values, cut
        exactly at `limit` by linear interpolation, divided by `limit`.

        Parameters
        ----------
        limit : float
            False positive rate to integrate to, in (0, 1].

        Returns
        -------
        float
            In [0, 1]; at most 2**-40 (9.1e-13) from the exact value of the rounded maps.
        """
        if not 0 < limit <= 1:
            raise InputError("the integration limit is no rate", received=limit, allowed="0 < limit <= 1")
        fpr, overlap = self.pro()
        inside = int(np.searchsorted(fpr, limit, side="right"))
        x, y = fpr[:inside], overlap[:inside]
        if inside < len(fpr):
            share = (limit - x[-1]) / (fpr[inside] - x[-1])
            x, y = np.append(x, limit), np.append(y, y[-1] + share * (overlap[inside] - y[-1]))
        return math.fsum(np.diff(x) * (y[1:] + y[:-1]) / 2) / limit

    def roc(self) -> tuple[np.ndarray, np.ndarray]:
        """False and true positive rate at every distinct value, descending, from (0, 0) to (1, 1)."""
        self._need_both()
        found, false = self._descending()
        return np.append(0.0, false / self.negatives), np.append(0.0, found / self.positives)

    def pro(self) -> tuple[np.ndarray, np.ndarray]:
        """False positive rate and mean per-region overlap at every distinct value, from (0, 0) to (1, 1)."""
        self._need_both()
        used = (self._positive + self._negative)[::-1] > 0
        overlap = np.cumsum(self._mass[::-1])[used] / (self._regions * REGION_MASS)
        return np.append(0.0, self._descending()[1] / self.negatives), np.append(0.0, overlap)

    def _descending(self) -> tuple[np.ndarray, np.ndarray]:
        used = (self._positive + self._negative)[::-1] > 0
        return np.cumsum(self._positive[::-1])[used], np.cumsum(self._negative[::-1])[used]

    def _need_both(self) -> None:
        if not self.positives or not self.negatives:
            raise InputError(
                f"no {'normal' if self.positives else 'anomalous'} pixel has been counted",
                received=repr(self),
                allowed="at least one pixel of each kind",
                hint="without masks there are no pixel metrics; were the masks read and thresholded?",
            )

    def save(self, path: Path | str) -> None:
        """Write the counts as an npz file; equal counts give equal bytes."""
        arrays = {name: getattr(self, f"_{name}") for name in _ARRAYS}
        with open(path, "wb") as handle:
            np.savez_compressed(handle, allow_pickle=False, format=_FORMAT, regions=self._regions, **arrays)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            If the file is something else.
        """
        if not Path(path).is_file():
            raise InputError("there are no pixel counts", received=str(path))
        with reading(path, "pixel counts", hint="delete it and let the run write it again"):
            _check_shapes(path)
            with np.load(path, allow_pickle=False) as stored:
                version, regions = int(stored["format"]), int(stored["regions"])
                arrays = {name: stored[name] for name in _ARRAYS}
        whole = all(a.shape == (BINS,) and a.dtype == np.int64 and a.min() >= 0 for a in arrays.values())
        if version != _FORMAT or not whole or arrays["mass"].sum() != regions * REGION_MASS:
            raise InputError(
                "a file of pixel counts is damaged or of another version",
                received=f"{path}, format {version}",
                allowed=f"format {_FORMAT}",
                hint="delete it and let the run write it again",
            )
        counts = cls()
        counts._positive, counts._negative, counts._mass = (arrays[name] for name in _ARRAYS)
        counts._regions = regions
        return counts


def _check_shapes(path: Path | str) -> None:
    """Refuse headers of other arrays than :meth:`PixelCounts.save` writes, before memory is taken."""
    with zipfile.ZipFile(path) as archive:
        for name in ("format", "regions", *_ARRAYS):
            with archive.open(f"{name}.npy") as handle:
                np.lib.format.read_magic(handle)
                shape, _, dtype = np.lib.format.read_array_header_1_0(handle)
            if shape != ((BINS,) if name in _ARRAYS else ()) or dtype.kind != "i":
                raise InputError("the file holds no pixel counts", received=f"{name}: {dtype} {shape}")
