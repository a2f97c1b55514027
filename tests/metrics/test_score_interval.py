"""Newcombe's interval against a grid search, as Wilson's where one class is large, and how often it holds."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import delong_interval
from fusionmedclip.metrics.score_interval import score_interval


def on_a_grid(auroc: float, m: int, n: int) -> tuple[float, float]:
    """Ends of the values that a test at their own variance does not reject (Newcombe 2006, method 5)."""
    others, value = (m + n) / 2 - 1, np.linspace(0, 1, 100_001)[1:-1]
    bracket = 1 + others * (1 - value) / (2 - value) + others * value / (1 + value)
    variance = value * (1 - value) * bracket / (m * n)
    kept = value[np.abs(auroc - value) <= norm.ppf(0.975) * np.sqrt(variance)]
    return kept[0], kept[-1]


@pytest.mark.parametrize(("auroc", "m", "n"), [(1, 12, 12), (0, 3, 7), (0.5, 4, 4), (0.93, 16, 40)])
def test_the_interval_is_all_that_is_not_rejected(auroc: float, m: int, n: int) -> None:
    found = score_interval(auroc, anomalous=m, normal=n)
    low, high = on_a_grid(auroc, m, n)
    assert found.low == pytest.approx(low, abs=2e-5)
    assert found.high == pytest.approx(high, abs=2e-5)


def test_of_a_single_pair_it_is_wilsons_interval_of_a_share() -> None:
    """With one image a class the bracket is 1, and the variance that of a share of one trial."""
    found = score_interval(1.0, anomalous=1, normal=1)
    wilson = binomtest(1, 1).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high))


def test_a_perfect_order_of_few_images_is_no_certainty() -> None:
    labels = np.repeat([0, 1], 12)
    perfect = delong_interval(labels, np.arange(24))
    assert (perfect.estimate, perfect.high) == (1, 1)
    assert perfect.low == pytest.approx(on_a_grid(1, 12, 12)[0], abs=2e-5)
    worst = delong_interval(labels, -np.arange(24))
    assert (worst.low, worst.high) == pytest.approx((0, 1 - perfect.low))
    same = delong_interval(labels, np.zeros(24))
    assert same.low < 0.35
    assert same.high > 0.65


def test_intervals_of_few_images_hold_a_high_auroc_often_enough() -> None:
    """Two normal distributions whose AUROC is 0.97, 12 images each; a fifth of the draws is perfect."""
    distance = math.sqrt(2) * norm.ppf(0.97)
    rng, labels, held, perfect = np.random.default_rng(0), np.repeat([0, 1], 12), 0, 0
    for _ in range(400):
        found = delong_interval(labels, rng.normal(size=24) + distance * labels)
        held += found.low <= 0.97 <= found.high
        perfect += found.estimate == 1
    assert perfect > 50
    assert held / 400 > 0.93


def test_what_is_no_auroc_is_refused() -> None:
    for wrong in ({"auroc": 1.2}, {"anomalous": 0}, {"auroc": float("nan")}):
        with pytest.raises(InputError, match="no such AUROC"):
            score_interval(**{"auroc": 0.5, "anomalous": 3, "normal": 3, **wrong})
