from functools import partial

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import auroc_draws, bootstrap_auroc, bootstrap_auroc_difference
from fusionmedclip.randomness import generator

RNG = np.random.default_rng(0)
LABELS = RNG.permutation(np.arange(70) >= 25)
# Rounded, so that there are ties within and between the classes.
SCORES = (RNG.normal(size=(3, 70)) + LABELS).round(1)


def naive_draws(labels, scores, draws, seed):
    """Resample by indices and ask scikit-learn, one draw at a time."""
    normal, anomalous = np.flatnonzero(~labels), np.flatnonzero(labels)
    a = generator(seed, "bootstrap", "normal").integers(0, len(normal), (draws, len(normal)))
    b = generator(seed, "bootstrap", "anomalous").integers(0, len(anomalous), (draws, len(anomalous)))
    picked = np.concatenate([normal[a], anomalous[b]], axis=1)
    return np.array([[roc_auc_score(labels[row], one[row]) for row in picked] for one in scores])


def test_draws_are_those_of_a_naive_loop():
    assert auroc_draws(LABELS, SCORES, draws=40, seed=7) == pytest.approx(
        naive_draws(LABELS, SCORES, 40, 7), abs=1e-12
    )


def test_fewer_draws_are_the_first_of_more_however_they_are_blocked(monkeypatch):
    whole = auroc_draws(LABELS, SCORES, draws=50)
    assert (auroc_draws(LABELS, SCORES, draws=20) == whole[:, :20]).all()
    monkeypatch.setattr("fusionmedclip.metrics.bootstrap._BLOCK", 70 * 7)
    assert (auroc_draws(LABELS, SCORES, draws=50) == whole).all()


def test_methods_share_their_draws_so_that_differences_are_paired():
    both = auroc_draws(LABELS, SCORES, draws=30, seed=1)
    assert (both[1] == auroc_draws(LABELS, SCORES[1], draws=30, seed=1)[0]).all()
    same = bootstrap_auroc_difference(LABELS, SCORES[0], SCORES[0] * 2 + 1, draws=30)
    assert same[:3] == (0, 0, 0)


def test_other_seeds_draw_otherwise():
    assert (
        auroc_draws(LABELS, SCORES, draws=5, seed=0) != auroc_draws(LABELS, SCORES, draws=5, seed=1)
    ).any()


def test_intervals_are_percentiles_of_the_draws():
    draws = naive_draws(LABELS, SCORES, 200, 3)
    found = bootstrap_auroc(LABELS, SCORES[0], draws=200, level=0.9, seed=3)
    assert found.estimate == roc_auc_score(LABELS, SCORES[0])
    assert found[1:] == pytest.approx(np.percentile(draws[0], [5, 95]).tolist())
    pair = bootstrap_auroc_difference(LABELS, SCORES[0], SCORES[1], draws=200, level=0.9, seed=3)
    assert pair.difference == pytest.approx(
        roc_auc_score(LABELS, SCORES[0]) - roc_auc_score(LABELS, SCORES[1])
    )
    assert (pair.low, pair.high) == pytest.approx(tuple(np.percentile(draws[0] - draws[1], [5, 95])))
    assert pair.p_value is None


def test_unless_said_otherwise_there_are_2000_draws_of_seed_0_and_95_percent_of_them_inside():
    near = partial(pytest.approx, abs=1e-12)
    first, second = auroc_draws(LABELS, SCORES[:2], draws=2000, seed=0)
    assert (auroc_draws(LABELS, SCORES[0]) == first).all()
    assert bootstrap_auroc(LABELS, SCORES[0])[1:] == near(np.percentile(first, [2.5, 97.5]))
    pair = bootstrap_auroc_difference(LABELS, SCORES[0], SCORES[1])
    assert (pair.low, pair.high) == near(np.percentile(first - second, [2.5, 97.5]))


def test_95_percent_intervals_cover_the_true_auroc_about_95_times_in_100():
    rng, labels = np.random.default_rng(1), np.arange(140) >= 60
    truth = norm.cdf(1.0 / np.sqrt(2))
    hits = [
        found.low <= truth <= found.high
        for found in (
            bootstrap_auroc(labels, rng.normal(size=140) + labels, draws=400, seed=i) for i in range(300)
        )
    ]
    # The standard error of a share of 300 at 0.95 is 0.013; the percentile interval is slightly too narrow.
    assert 0.90 <= np.mean(hits) <= 0.985


def test_edge_cases():
    assert bootstrap_auroc(LABELS, np.zeros(70), draws=10) == (0.5, 0.5, 0.5)
    assert bootstrap_auroc(LABELS, LABELS.astype(float), draws=10) == (1, 1, 1)
    one = bootstrap_auroc([0, 0, 0, 1], [1, 2, 3, 2.5], draws=50)
    assert one.estimate == pytest.approx(2 / 3)
    assert 0 <= one.low <= one.high <= 1


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="draws"):
        auroc_draws(LABELS, SCORES, draws=0)
    with pytest.raises(InputError, match="level"):
        bootstrap_auroc(LABELS, SCORES[0], draws=5, level=95)
    with pytest.raises(InputError, match="one class"):
        auroc_draws([1, 1], [0.1, 0.2])
