import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import best_f1, f1_at, rates_at, sensitivity_at_specificity, support_threshold

runs = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


def table(labels, scores, threshold):
    called = [score >= threshold for score in scores]
    pairs = list(zip(labels, called, strict=True))
    return tuple(pairs.count(pair) for pair in [(True, True), (False, True), (True, False), (False, False)])


@given(runs, st.integers(-4, 4))
def test_f1_and_rates_are_those_of_the_four_fold_table(rows, threshold):
    labels, scores = zip(*rows, strict=True)
    tp, fp, fn, tn = table(labels, scores, threshold)
    assert f1_at(labels, scores, threshold) == pytest.approx(2 * tp / (2 * tp + fp + fn))
    rates = rates_at(labels, scores, threshold)
    assert rates == (pytest.approx(tp / (tp + fn)), pytest.approx(tn / (tn + fp)))


@given(runs)
def test_best_f1_is_the_highest_of_all_thresholds(rows):
    labels, scores = zip(*rows, strict=True)
    each = {threshold: f1_at(labels, scores, threshold) for threshold in set(scores)}
    found = best_f1(labels, scores)
    assert found.f1 == pytest.approx(max(each.values()))
    assert found.threshold == max(key for key, f1 in each.items() if f1 > found.f1 - 1e-12)


@given(runs, st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_sensitivity_at_specificity_is_that_of_a_loop_over_thresholds(rows, specificity):
    labels, scores = zip(*rows, strict=True)
    allowed = [
        rates.sensitivity
        for threshold in [*set(scores), np.inf]
        if (rates := rates_at(labels, scores, threshold)).specificity >= specificity - 1e-12
    ]
    assert sensitivity_at_specificity(labels, scores, specificity) == pytest.approx(max(allowed))


def test_five_of_a_hundred_normal_images_may_be_false_positives_and_six_may_not():
    labels = [False] * 100 + [True] * 2
    normal = np.arange(100.0)
    # 94.5 lies below five normal scores (95 to 99), 93.5 below six.
    assert sensitivity_at_specificity(labels, [*normal, 94.5, 93.5], 0.95) == 0.5


def test_constant_scores_have_no_sensitivity_at_high_specificity():
    assert sensitivity_at_specificity([0, 0, 1], [1.0, 1.0, 1.0]) == 0
    assert best_f1([0, 0, 1], [1.0, 1.0, 1.0]) == (0.5, 1.0)


def test_nothing_called_anomalous_is_an_f1_of_0():
    assert f1_at([0, 1], [0.1, 0.2], np.inf) == 0
    assert rates_at([0, 1], [0.1, 0.2], np.inf) == (0, 1)


def test_a_threshold_is_a_number():
    with pytest.raises(InputError, match="threshold"):
        f1_at([0, 1], [0.1, 0.2], np.nan)


@pytest.mark.parametrize(
    ("k", "rate", "rank", "bound"),
    # ceil((k + 1)(1 - rate)) by hand; the last two support sets are too small for the rate.
    [
        (19, 0.05, 19, 1 / 20),
        (19, 0.1, 18, 2 / 20),
        (39, 0.05, 38, 2 / 40),
        (16, 0.05, 16, 1 / 17),
        (4, 0.05, 4, 1 / 5),
    ],
)
def test_support_threshold_is_the_conformal_quantile(k, rate, rank, bound):
    scores = np.random.default_rng(k).permutation(np.arange(1.0, k + 1))
    found = support_threshold(scores, rate)
    assert found.threshold == np.nextafter(float(rank), np.inf)
    assert found.false_positive_rate == pytest.approx(bound)


@pytest.mark.parametrize(("k", "rate"), [(8, 0.05), (16, 0.1), (32, 0.05)])
def test_new_normal_images_are_called_anomalous_as_often_as_promised(k, rate):
    rng = np.random.default_rng(0)
    draws = rng.exponential(size=(20_000, k + 1))
    found = [support_threshold(row[:-1], rate) for row in draws]
    false = np.mean([row[-1] >= threshold for row, (threshold, _) in zip(draws, found, strict=True)])
    # For continuous scores the bound is attained; five standard errors of 20,000 draws.
    bound = found[0].false_positive_rate
    assert false == pytest.approx(bound, abs=5 * np.sqrt(bound * (1 - bound) / 20_000))


def test_the_support_itself_is_not_called_anomalous_at_the_maximum():
    scores = [0.3, 0.7, 0.7]
    assert not (np.array(scores) >= support_threshold(scores).threshold).any()


@pytest.mark.parametrize("scores", [[], [np.nan, 1.0], [[1.0, 2.0]]])
def test_support_scores_that_give_no_threshold_are_refused(scores):
    with pytest.raises(InputError, match="support scores"):
        support_threshold(scores)
