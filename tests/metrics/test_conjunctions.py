"""Claims of several comparisons: p-values by hand, and how often verdicts err where the truth is known."""

import numpy as np
import pytest
from scipy import stats

from fusionmedclip.metrics import holm
from fusionmedclip.metrics.conjunctions import (
    Bounds,
    against,
    both_ways,
    draws_to_tell,
    for_all,
    one_breaks,
    one_keeps,
)
from fusionmedclip.metrics.contrasts import Estimate

ABOVE = Bounds(0.0, np.inf)
BETWEEN = Bounds(-0.03, 0.03)
STUDIES, SEEDS = 4000, 3
LEVEL = 0.05
LUCK = 3 * np.sqrt(LEVEL * (1 - LEVEL) / STUDIES)
"""Three standard errors of a rate of 5 % over so many studies."""


def test_one_comparison_by_hand():
    found = Estimate(0.01, 0.01, 4.0, 3, 0.0, 0.0)
    t = stats.t(4.0)
    assert one_keeps(found, ABOVE) == pytest.approx(t.sf(1))
    assert one_breaks(found, ABOVE) == pytest.approx(t.cdf(1))
    assert one_keeps(found, BETWEEN) == pytest.approx(t.sf(2))  # 0.02 from the nearer bound
    assert one_breaks(found, BETWEEN) == pytest.approx(min(1, 2 * t.cdf(2)))
    assert one_breaks(found._replace(value=0.06), BETWEEN) == pytest.approx(2 * t.sf(3))
    assert one_keeps(found, Bounds(-np.inf, 0.0)) == pytest.approx(t.cdf(1))


def test_many_by_hand():
    assert for_all([0.01, 0.04, 0.02]) == 0.04
    assert against([0.01, 0.04, 0.02]) == pytest.approx(0.03)
    assert against([0.5, 0.9]) == 1
    supports, refutes = both_ways([0.001, None, 0.03], [0.9, 0.2, 0.004])
    assert supports[1] is None
    assert [supports[0], supports[2]] == pytest.approx(2 * holm([0.001, 0.03]))
    assert refutes == pytest.approx(np.minimum(2 * holm([0.9, 0.2, 0.004]), 1).tolist())
    assert both_ways([None], [None]) == ([None], [None])


def _p_values(rng, means, bounds=ABOVE):
    """P-values of both nulls in many studies of three seeds, of independent normal sums: (studies, parts)."""
    values = rng.normal(means, 0.02, (STUDIES, SEEDS, len(means)))
    mean, error = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(SEEDS)
    ratio = [(mean - bounds.low) / error, (bounds.high - mean) / error]
    tails = [(stats.t.sf(r, SEEDS - 1), stats.t.cdf(r, SEEDS - 1)) for r in ratio if np.isfinite(r).all()]
    keeps = np.max([keep for keep, _ in tails], axis=0)
    breaks = np.minimum(1, len(tails) * np.min([b for _, b in tails], axis=0))
    first = Estimate(mean[0, 0], error[0, 0], SEEDS - 1, SEEDS, 0.0, 0.0)
    assert one_keeps(first, bounds) == pytest.approx(keeps[0, 0])
    assert one_breaks(first, bounds) == pytest.approx(breaks[0, 0])
    return keeps, breaks


@pytest.mark.parametrize("parts", [1, 12])
def test_a_claim_that_just_fails_is_supported_in_a_twentieth_of_studies(parts):
    """One comparison on its bound, the others far inside: the worst case of an intersection-union test."""
    keeps, _ = _p_values(np.random.default_rng(1), [0.0] + [0.5] * (parts - 1))
    rate = np.mean([for_all(list(study)) <= LEVEL for study in keeps])
    assert rate == pytest.approx(LEVEL, abs=LUCK)


def test_a_claim_that_fails_twice_is_supported_far_less():
    keeps, _ = _p_values(np.random.default_rng(2), [0.0, 0.0, 0.5])
    assert np.mean([for_all(list(study)) <= LEVEL for study in keeps]) < 0.01


@pytest.mark.parametrize("parts", [1, 12])
def test_a_claim_that_just_holds_is_contradicted_in_a_twentieth_at_most(parts):
    _, breaks = _p_values(np.random.default_rng(3), [0.0] * parts)
    rate = np.mean([against(list(study)) <= LEVEL for study in breaks])
    assert LEVEL - 0.02 < rate < LEVEL + LUCK


def test_a_claim_within_bounds_errs_no_more_often():
    keeps, _ = _p_values(np.random.default_rng(4), [0.03], BETWEEN)
    _, breaks = _p_values(np.random.default_rng(5), [0.03], BETWEEN)
    assert np.mean(keeps[:, 0] <= LEVEL) < LEVEL + LUCK
    assert np.mean(breaks[:, 0] <= LEVEL) < LEVEL + LUCK


@pytest.mark.parametrize("shift", [0.0, -1e-9])
def test_no_verdict_of_many_claims_is_wrong_in_more_than_a_twentieth_of_studies(shift):
    """Ten claims, some just true or just false, some far: any wrong verdict, in either direction, counts."""
    means = np.array([shift] * 6 + [0.4, 0.4, -0.4, -0.4])
    keeps, breaks = _p_values(np.random.default_rng(6), list(means))
    wrong = told = 0
    for supports, refutes in zip(keeps, breaks, strict=True):
        held, fell = (np.array(p) <= LEVEL for p in both_ways(list(supports), list(refutes)))
        wrong += bool((held & (means < 0)).any() or (fell & (means >= 0)).any())
        told += int((held & (means > 0.1)).sum() + (fell & (means < -0.1)).sum())
    assert wrong / STUDIES < LEVEL + LUCK
    assert told / STUDIES > 0.9  # of four; and verdicts there are


@pytest.mark.parametrize("split", [0.0, 0.0001])
def test_the_draws_named_tell_in_four_of_five_studies(split):
    seen = Estimate(0.05, 0.03, 2.0, 3, 0.04**2, split)
    level = 0.05 / 20
    draws = draws_to_tell(seen, 0.05, level=level)
    rng = np.random.default_rng(7)
    values = rng.normal(0.05, 0.04, (STUDIES, draws)) + np.sqrt(split) * rng.normal(size=(STUDIES, 1))
    drawn = values.var(axis=1, ddof=1) / draws
    total = drawn + split
    degrees = (draws - 1) * (total / drawn) ** 2
    told = stats.t.sf(values.mean(axis=1) / np.sqrt(total), degrees) <= level
    assert 0.72 < told.mean() < 0.9


@pytest.mark.parametrize("draws", [4, 12, 40])
@pytest.mark.parametrize(("split", "degrees"), [(0.0, 2.0), (0.0001, 2.0), (0.0001, np.inf)])
def test_the_draws_named_are_the_first_that_tell(split, degrees, draws):
    drawn = 0.04**2 / draws
    t = stats.t((draws - 1) * (drawn + split) ** 2 / drawn**2) if degrees == 2 else stats.norm
    reach = (t.isf(0.0025) + t.isf(0.2)) * np.sqrt(drawn + split)
    seen = Estimate(0.05, 0.03, degrees, 3, 0.04**2, split)
    assert draws_to_tell(seen, reach * (1 + 1e-6), level=0.0025) == draws
    assert draws_to_tell(seen, reach * (1 - 1e-6), level=0.0025) == draws + 1


def test_no_number_of_draws_stands_for_missing_images():
    seen = Estimate(0.05, 0.03, 2.0, 3, 0.0, 0.03**2)
    assert draws_to_tell(seen, 0.05, level=0.0025) is None
    assert draws_to_tell(seen, 0.0, level=0.0025) is None
    assert draws_to_tell(seen._replace(of_split=0.0), 0.05, level=0.0025) == 2
