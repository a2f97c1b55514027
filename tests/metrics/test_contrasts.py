"""Sums of cells: against the comparison of two methods, by hand, and against a printed mean."""

import numpy as np
import pytest
from scipy import stats

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import (
    PrintedMean,
    SplitDraw,
    auroc_difference_over_seeds,
    delong,
    printed_difference,
)
from fusionmedclip.metrics.contrasts import Estimate, Group, contrast, of_replication

ENDLESS = SplitDraw(normal=40, anomalous=60, normal_of=None, anomalous_of=None, pool=10**12)
SMALL = SplitDraw(normal=65, anomalous=155, normal_of=98, anomalous_of=155, pool=33)


def _runs(rng, strength):
    labels = np.repeat([0, 1], (40, 60))
    image = rng.normal(size=100) + strength * labels
    return labels, image + 0.7 * rng.normal(size=(3, 100))


def test_two_methods_of_one_data_set_are_compared_as_they_are_in_a_table():
    """Where there is no other pool to draw."""
    rng = np.random.default_rng(0)
    labels, first = _runs(rng, 1.5)
    second = first + rng.normal(size=first.shape)
    wanted = auroc_difference_over_seeds(labels, first, second)
    components = delong(labels, first).minus(delong(labels, second))
    found = contrast([Group(components.aurocs, components, ENDLESS, [(4, components.aurocs)])])
    assert found.value == pytest.approx(wanted.difference)
    assert found.interval() == pytest.approx((wanted.low, wanted.high), rel=1e-4)
    assert 2 * min(found.above(0), found.below(0)) == pytest.approx(wanted.p_value, rel=1e-4)


def test_pools_and_data_sets_by_hand():
    """Variances from the file's formula, pixel metrics, so without images."""
    one, other = [0.1, 0.14, 0.12], [0.05, 0.02, 0.02]
    of_four, of_eight = [0.3, 0.34, 0.31], [0.2, 0.2, 0.19]
    groups = [
        Group(one, None, SMALL, [(4, of_four), (8, of_eight)]),
        Group(other, None, ENDLESS, [(4, other)]),
    ]
    found = contrast(groups)
    between = (1 - 33 / 98) / 33
    pools = sum(
        np.sqrt(np.var(values, ddof=1) * between / ((1 - k / 33) / k))
        for k, values in ((4, of_four), (8, of_eight))
    )
    drawn = [np.var(one, ddof=1), np.var(other, ddof=1)]
    total = sum(drawn) / 3 + pools**2
    degrees = total**2 / ((drawn[0] / 3 + pools**2) ** 2 / 2 + (drawn[1] / 3) ** 2 / 2)
    assert found.value == pytest.approx(0.12 + 0.03)
    assert found.standard_error == pytest.approx(np.sqrt(total))
    assert found.degrees == pytest.approx(degrees)
    assert (found.seeds, found.of_draws) == (3, pytest.approx(sum(drawn)))
    assert found.of_split == pytest.approx(pools**2, rel=1e-4)


def test_images_and_pool_of_one_split_add_up_as_they_are():
    """One draw makes both, so that standard errors add, not squares."""
    labels, scores = _runs(np.random.default_rng(1), 1.5)
    components = delong(labels, scores)
    values = components.aurocs
    found = contrast([Group(values, components, SMALL, [(4, values)])])
    each = [[components.covariance[a, b] for b in range(3) if b != a] for a in range(3)]
    images = np.sqrt(np.mean(each))
    pool = np.std(values, ddof=1) * np.sqrt((1 - 33 / 98) / 33 / ((1 - 4 / 33) / 4))
    assert found.of_split == pytest.approx((images + pool) ** 2)
    assert found.standard_error**2 == pytest.approx(np.var(values, ddof=1) / 3 + (images + pool) ** 2)


def test_p_values_are_student_s():
    found = Estimate(0.08, 0.02, 3.3, 3, 0.0012, 0.0)
    assert found.above(0.05) == pytest.approx(stats.t.sf(1.5, 3.3))
    assert found.below(0.05) == pytest.approx(stats.t.cdf(1.5, 3.3))
    assert found.above(-np.inf) == found.below(np.inf) == 1
    assert found._replace(degrees=np.inf).above(0.05) == pytest.approx(stats.norm.sf(1.5))
    assert found._replace(standard_error=0.0).above(0.0) == 1  # nothing can be said


def test_a_printed_mean_has_the_interval_of_the_replication():
    values = [0.94, 0.95, 0.93]
    draw = SplitDraw(normal=65, anomalous=155, normal_of=98, anomalous_of=155, pool=33)
    found = printed_difference(values, PrintedMean(0.948, 0.008), k=16, draw=draw, images=(1e-4, 2e-4))
    estimate = of_replication(found, 0.94, 3)
    low, high = estimate.interval()
    assert (low - 0.948, high - 0.948) == pytest.approx((found.low, found.high))
    assert estimate.of_draws == pytest.approx(1e-4)  # the variance of the three, larger than the printed one
    assert estimate.of_draws / 3 + estimate.of_split == pytest.approx(found.standard_error**2)


def test_one_seed_is_refused():
    with pytest.raises(InputError, match="one seed"):
        contrast([Group([0.1], None, SMALL, [(4, [0.1])])])
