"""Exact and near duplicates, found once and kept together in the split ``grouped``."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusionmedclip.data.curation.fingerprints import THUMBNAIL, Fingerprints
from fusionmedclip.data.files.kinds import split_slice
from fusionmedclip.data.groups import linked
from fusionmedclip.errors import InputError

__all__ = ["DuplicateSettings", "find_duplicates", "mark_duplicates"]

_BLOCK = 2**22  # pairs compared at once: 32 MB of differences


@dataclass(frozen=True, kw_only=True)
class DuplicateSettings:
    """When two pictures count as the same.

    Attributes
    ----------
    distance : int
        Largest number of the 64 bits of the perceptual hash that may differ.
    correlation : float
        Smallest Pearson correlation of the 64 x 64 thumbnails. The hash alone takes any two dark pictures
        with a bright middle for one.
    """

    distance: int = 6
    correlation: float = 0.97

    def __post_init__(self) -> None:
        if not 0 <= self.distance <= 64:
            raise InputError("`distance` counts bits", received=self.distance, allowed="0 to 64")
        if not -1 <= self.correlation <= 1:
            raise InputError("`correlation` out of range", received=self.correlation, allowed="-1 to 1")


def find_duplicates(
    manifest: pd.DataFrame, fingerprints: Fingerprints, *, settings: DuplicateSettings | None = None
) -> pd.DataFrame:
    """Find pairs of images that are the same file or nearly the same picture.

    Images that the source itself groups (slices of one volume, views of one patient) resemble each other by
    nature: of those only exact copies are reported. Pictures of one grey value have no correlation and are
    left to the curation's own finding.

    Parameters
    ----------
    manifest : DataFrame
        N rows with ``image_id``, ``file``, ``sha256`` and ``group``.
    fingerprints : Fingerprints
        Of the same N images, in the same order.
    settings : DuplicateSettings, optional

    Returns
    -------
    DataFrame
        ``first``, ``second`` (image_id), ``kind`` (``exact`` or ``near``), ``distance`` (bits) and
        ``correlation``. Of n exact copies the first is paired with each other one, and only the first is
        compared with further images: join the pairs into groups with :func:`mark_duplicates`.
    """
    settings = settings or DuplicateSettings()
    copies, firsts = _exact(manifest)
    near, distances, correlations = _near(manifest, fingerprints, firsts, settings)
    ids = manifest["image_id"].to_numpy()
    pairs = np.concatenate([copies, near])
    table = pd.DataFrame(
        {
            "first": ids[pairs[:, 0]],
            "second": ids[pairs[:, 1]],
            "kind": ["exact"] * len(copies) + ["near"] * len(near),
            "distance": np.concatenate([np.zeros(len(copies), np.int64), distances]),
            "correlation": np.concatenate([np.ones(len(copies)), correlations]),
        }
    )
    return table.sort_values(["first", "second"], ignore_index=True)


def mark_duplicates(manifest: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``duplicate``: what is linked by pairs, directly or by a chain, shares one name.

    The name is the group's first image_id; an image without a duplicate has an empty entry.
    """
    row = {image_id: index for index, image_id in enumerate(manifest["image_id"])}
    links = np.array([[row[a], row[b]] for a, b in zip(pairs["first"], pairs["second"], strict=True)])
    component = linked(len(manifest), links)
    size = np.bincount(component, minlength=len(manifest))
    first: dict[int, str] = {}
    for index, image_id in zip(component, manifest["image_id"], strict=True):
        first.setdefault(int(index), image_id)
    names = [first[int(index)] if size[index] > 1 else "" for index in component]
    return manifest.assign(duplicate=names)


def _exact(manifest: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of files with the same bytes, and the first row of each content (slices of a volume differ)."""
    seen: dict[tuple[str, int | None], tuple[int, str]] = {}
    pairs, firsts = [], []
    for index, (file, digest) in enumerate(zip(manifest["file"], manifest["sha256"], strict=True)):
        path, part = split_slice(file)
        known = seen.get((digest, part))
        if known is None:
            seen[digest, part] = (index, str(path))
            firsts.append(index)
        elif known[1] != str(path):
            pairs.append((known[0], index))
    return np.array(pairs, np.int64).reshape(-1, 2), np.array(firsts, np.int64)


def _near(
    manifest: pd.DataFrame, fingerprints: Fingerprints, rows: np.ndarray, settings: DuplicateSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of rows whose hashes and thumbnails agree, with distance and correlation."""
    flat = fingerprints.thumbnails.min(axis=(1, 2)) == fingerprints.thumbnails.max(axis=(1, 2))
    rows = rows[~flat[rows]]
    hashes = fingerprints.hashes[rows]
    groups = pd.factorize(manifest["group"].to_numpy()[rows])[0]
    grouped = manifest["group"].to_numpy()[rows] != ""
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    step = max(1, _BLOCK // max(1, len(rows)))
    for start in range(0, len(rows), step):
        block = hashes[start : start + step, None] ^ hashes[None, start:]
        distance = np.bitwise_count(block)
        left, right = np.nonzero(distance <= settings.distance)
        later = right > left  # each pair once
        left, right = left[later], right[later]
        bits = distance[left, right].astype(np.int64)
        left, right = left + start, right + start
        apart = ~((groups[left] == groups[right]) & grouped[left])
        left, right, bits = left[apart], right[apart], bits[apart]
        correlation = _correlation(fingerprints.thumbnails, rows[left], rows[right])
        same = correlation >= settings.correlation
        found.append((np.stack([rows[left], rows[right]], axis=1)[same], bits[same], correlation[same]))
    if not found:
        return np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros(0)
    pairs, distances, correlations = (np.concatenate(part) for part in zip(*found, strict=True))
    return pairs, distances, correlations


def _correlation(thumbnails: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pearson correlation of pairs of thumbnails, a thousand pairs at a time."""
    result = np.empty(len(left))
    for start in range(0, len(left), 1000):
        part = slice(start, start + 1000)
        a, b = (thumbnails[side[part]].reshape(-1, THUMBNAIL**2).astype(np.float64) for side in (left, right))
        a -= a.mean(axis=1, keepdims=True)
        b -= b.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        result[part] = np.einsum("ij,ij->i", a, b) / norms
    return result
