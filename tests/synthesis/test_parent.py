"""`preset: parent` against MediCLIP's code: how large its masks are, and where they lie.

The literals are of the official code (medsyn, commit ca99858) on images of noise at 224 pixels, so that every
pixel changes: 6,000 draws of source, 4,000 of each other task, numpy's and imgaug's seeds 0.
"""

import numpy as np
import pytest

from fusionmedclip.randomness import generator
from fusionmedclip.synthesis import SynthesisSettings, synthesize

DRAWS = 1000
# task: mean share of the image and its standard error; share of draws that cover a pixel of the outermost
# 22 rows and columns, and one of the middle 24 x 24.
PARENT = {
    "cutpaste": (0.0668, 0.0007, 0.0113, 0.1864),
    "gaussian": (0.1589, 0.0013, 0.0205, 0.5186),
    "source": (0.0860, 0.0006, 0.0104, 0.2290),
}


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).random((2, 224, 224), dtype=np.float32)


@pytest.mark.parametrize("task", PARENT)
def test_masks_are_as_large_and_lie_where_the_parents_do(task, noise):
    settings = SynthesisSettings.preset("parent")
    covered, shares = np.zeros((224, 224)), []
    for index in range(DRAWS):
        image = noise[index % 2]
        _, mask = synthesize(image, noise, task=task, rng=generator(task, index), settings=settings)
        covered += mask
        shares.append(mask.mean())
    mean, error, border, middle = PARENT[task]
    ours = np.std(shares) / DRAWS**0.5
    assert np.mean(shares) == pytest.approx(mean, abs=3 * np.hypot(ours, error))
    covered /= DRAWS
    ring = np.ones((224, 224), dtype=bool)
    ring[22:-22, 22:-22] = False
    assert covered[ring].mean() == pytest.approx(border, rel=0.3)
    assert covered[100:124, 100:124].mean() == pytest.approx(middle, abs=0.05)


def test_a_warp_that_changes_nothing_has_a_mask_as_in_the_parents_code(noise):
    black = np.zeros((224, 224), np.float32)
    _, mask = synthesize(
        black, noise, task="source", rng=generator(0), settings=SynthesisSettings.preset("parent")
    )
    image, _ = synthesize(
        black, noise, task="source", rng=generator(0), settings=SynthesisSettings.preset("parent")
    )
    assert mask.any()
    assert not image.any()


def test_drawn_masks_hold_all_that_was_drawn(support):
    """A warp of a flat square leaves it as it was; its mask is the shape only where it is drawn."""
    base = support[0].copy()
    base[30:66, 30:66] = 0.5
    both = {"second_anomaly_probability": 0, "label_closing": 0, "min_visible": 0, "min_changed": 0}
    for seed in range(20):
        masks = {}
        for drawn in ([], ["source"]):
            values = SynthesisSettings.from_dict({**both, "drawn_masks": drawn})
            image, mask = synthesize(base, support, task="source", rng=generator(seed), settings=values)
            masks[bool(drawn)] = mask
            np.testing.assert_array_equal(image[~mask], base[~mask])
        assert not (masks[False] & ~masks[True]).any()
        assert masks[True].sum() > masks[False].sum()
