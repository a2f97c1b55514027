import numpy as np
import pytest
from scipy.stats import chi2, ttest_rel

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import draws_to_tell_apart, paired_t_power, summarise


def with_effect(effect, n=40):
    """Two methods whose paired difference has a mean of `effect` standard deviations, exactly."""
    noise = np.random.default_rng(0).normal(size=n)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    base = np.linspace(0.6, 0.9, n)
    return base + 0.01 * (noise + effect), base


def test_summary_by_hand():
    # Deviations -2, 0, 2: squares sum to 8, over 2.
    assert summarise([0.6, 0.8, 1.0]) == (pytest.approx(0.8), pytest.approx(0.2), 3)


def test_the_spread_of_one_seed_is_unknown_and_not_zero():
    assert summarise([0.7]) == (0.7, None, 1)


@pytest.mark.parametrize("values", [[], [0.5, np.nan], [[0.5]], [np.inf]])
def test_unusable_values_are_refused(values):
    with pytest.raises(InputError, match="unusable"):
        summarise(values)


@pytest.mark.parametrize(
    ("effect", "power", "draws"),
    # statsmodels 0.14, TTestPower().solve_power, rounded up; 34 is also G*Power's figure for dz = 0.5.
    [(0.2, 0.8, 199), (0.5, 0.8, 34), (0.8, 0.8, 15), (0.2, 0.95, 327), (0.5, 0.95, 54), (0.8, 0.95, 23)],
)
def test_draws_needed_are_those_of_another_library(effect, power, draws):
    assert draws_to_tell_apart(*with_effect(effect), power=power).draws == draws
    assert draws_to_tell_apart(*with_effect(-effect), power=power).draws == draws


def test_power_is_that_of_simulated_tests():
    rng = np.random.default_rng(1)
    differences = 0.9 + rng.normal(size=(4000, 9))
    found = np.mean(ttest_rel(differences, np.zeros_like(differences), axis=1).pvalue < 0.05)
    assert paired_t_power(9, 0.9) == pytest.approx(found, abs=0.025)


def test_power_without_an_effect_is_the_level():
    assert paired_t_power(5, 0.0, alpha=0.03) == pytest.approx(0.03)


def test_the_range_is_that_of_the_spread():
    first, second = with_effect(0.5, n=6)
    found = draws_to_tell_apart(first, second)
    assert (found.difference, found.std) == (pytest.approx(0.005), pytest.approx(0.01))
    for end, quantile in ((found.low, 0.975), (found.high, 0.025)):
        effect = 0.5 / np.sqrt(5 / chi2.ppf(quantile, 5))
        assert paired_t_power(end, effect) >= 0.8 > paired_t_power(end - 1, effect)
    assert found.low < found.draws < found.high


def test_equal_methods_are_never_told_apart():
    assert draws_to_tell_apart([0.7, 0.8], [0.8, 0.7])[:3] == (None, None, None)


def test_a_difference_without_spread_needs_the_least_that_can_be_tested():
    assert draws_to_tell_apart([0.75, 1.0], [0.5, 0.75])[:3] == (2, 2, 2)


def test_one_draw_tells_nothing():
    found = draws_to_tell_apart([0.8], [0.7])
    assert found == (None, None, None, pytest.approx(0.1), None)


def test_more_than_a_million_draws_are_not_counted(monkeypatch):
    first, second = with_effect(1e-4)
    assert draws_to_tell_apart(first, second).draws is None
    monkeypatch.setattr("fusionmedclip.metrics.seeds._MOST_DRAWS", 100)
    # Normal approximation: (1.96 + 0.8416)**2 / 0.28**2 = 100.1, and 99.4 of 0.281; of t + 1.96**2 / 2: 101.3
    assert draws_to_tell_apart(*with_effect(0.28)).draws is None
    assert draws_to_tell_apart(*with_effect(0.281)).draws == 102


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="different numbers of draws"):
        draws_to_tell_apart([0.7, 0.8], [0.7, 0.8, 0.9])
    with pytest.raises(InputError, match="power"):
        draws_to_tell_apart([0.7, 0.8], [0.7, 0.9], power=80)
    with pytest.raises(InputError, match="pairs"):
        paired_t_power(1, 0.5)
