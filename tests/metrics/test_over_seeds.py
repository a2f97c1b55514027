import numpy as np
import pytest
from scipy.stats import norm, t, ttest_1samp
from sklearn.metrics import roc_auc_score

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import (
    auroc_difference_over_seeds,
    auroc_draws,
    auroc_draws_over_seeds,
    auroc_over_seeds,
    bootstrap_auroc_over_seeds,
    delong,
    delong_test,
    random_seeds,
)
from fusionmedclip.randomness import generator

# Van Dyke et al.: AUROC of 5 readers (here: seeds) under two modalities on the same cases, with the
# covariances and results that the OR-DBM MRMC 2.51 program prints for them (Hillis 2007, "ddf_H").
FIRST = [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066]
SECOND = [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169]

RNG = np.random.default_rng(0)
LABELS = np.arange(80) >= 30
SHARED = RNG.normal(size=80)
SCORES = (LABELS + SHARED + RNG.normal(size=(4, 80))).round(1)
OTHERS = (0.5 * LABELS + SHARED + RNG.normal(size=(4, 80))).round(1)


@pytest.mark.parametrize(
    ("values", "covariance", "error", "degrees", "low", "high"),
    [
        (FIRST, 0.00048396, 0.03317360, 12.74, 0.82522360, 0.96885048),
        (SECOND, 0.00020419, 0.02156637, 12.71, 0.89413783, 0.98753689),
    ],
)
def test_published_intervals_of_one_modality(values, covariance, error, degrees, low, high):
    found = random_seeds(values, covariance)
    reach = t.ppf(0.975, found.degrees) * found.standard_error
    assert found.standard_error == pytest.approx(error, abs=2e-7)
    assert found.degrees == pytest.approx(degrees, abs=0.006)
    assert (found.mean - reach, found.mean + reach) == pytest.approx((low, high), abs=1e-6)


def test_published_difference_of_two_modalities():
    # The covariance of two seeds' differences is 2 (Cov2 - Cov3).
    found = random_seeds(np.subtract(FIRST, SECOND), 2 * (0.00034407 - 0.00023903))
    assert found == pytest.approx((-0.04380032, 0.02075, 15.26), abs=0.005)
    assert found.standard_error == pytest.approx(0.02075, abs=5e-6)
    assert 2 * t.sf(-found.mean / found.standard_error, found.degrees) == pytest.approx(0.0517, abs=5e-5)


def test_without_a_covariance_it_is_the_t_interval_over_seeds():
    found = random_seeds(FIRST)
    expected = ttest_1samp(FIRST, 0).confidence_interval(0.95)
    reach = t.ppf(0.975, found.degrees) * found.standard_error
    assert (found.mean - reach, found.mean + reach) == pytest.approx(tuple(expected))
    assert random_seeds(FIRST, -1.0) == found


def naive(values, covariance):
    """Mean, standard error and degrees of freedom, term by term."""
    s = len(values)
    pairs = [covariance[i][j] for i in range(s) for j in range(s) if i != j]
    shared = max(0.0, sum(pairs) / len(pairs))
    spread = sum((v - sum(values) / s) ** 2 for v in values) / (s - 1)
    degrees = (spread + s * shared) ** 2 / (spread**2 / (s - 1))
    return sum(values) / s, (spread / s + shared) ** 0.5, degrees


def test_interval_of_one_method():
    aurocs = [roc_auc_score(LABELS, row) for row in SCORES]
    mean, error, degrees = naive(aurocs, delong(LABELS, SCORES).covariance)
    found = auroc_over_seeds(LABELS, SCORES, level=0.9)
    reach = t.ppf(0.95, degrees) * error
    assert found == pytest.approx((mean, mean - reach, mean + reach))


def test_comparison_of_two_methods():
    aurocs = [
        roc_auc_score(LABELS, a) - roc_auc_score(LABELS, b) for a, b in zip(SCORES, OTHERS, strict=True)
    ]
    c = delong(LABELS, [*SCORES, *OTHERS]).covariance
    covariance = c[:4, :4] + c[4:, 4:] - c[:4, 4:] - c[4:, :4]
    mean, error, degrees = naive(aurocs, covariance)
    found = auroc_difference_over_seeds(LABELS, SCORES, OTHERS)
    reach = t.ppf(0.975, degrees) * error
    expected = (mean, mean - reach, mean + reach, 2 * t.sf(abs(mean) / error, degrees))
    assert found == pytest.approx(expected)


def test_one_seed_speaks_of_test_images_only():
    one = auroc_over_seeds(LABELS, SCORES[0])
    error = np.sqrt(delong(LABELS, SCORES[0]).covariance[0, 0])
    assert one.low == pytest.approx(roc_auc_score(LABELS, SCORES[0]) - norm.ppf(0.975) * error)
    assert auroc_difference_over_seeds(LABELS, SCORES[0], OTHERS[0]) == pytest.approx(
        delong_test(LABELS, SCORES[0], OTHERS[0])
    )


def test_a_method_does_not_differ_from_itself():
    assert auroc_difference_over_seeds(LABELS, SCORES, SCORES + 3) == (0, 0, 0, 1)


def test_seeds_that_agree_exactly_leave_the_test_images():
    found = random_seeds([0.8, 0.8, 0.8], 0.0004)
    assert (found.standard_error, found.degrees) == (pytest.approx(0.02), np.inf)
    assert random_seeds([0.8, 0.8])[1:] == (0, np.inf)
    perfect = auroc_over_seeds(LABELS, [LABELS, LABELS])
    assert perfect == (1, 1, 1)


def test_intervals_stay_between_0_and_1():
    rng = np.random.default_rng(3)
    found = auroc_over_seeds(LABELS, 4 * LABELS + rng.normal(size=(2, 80)) * [[0.1], [3.0]])
    assert found.high == 1


def test_bootstrap_over_seeds_is_that_of_a_naive_loop():
    found = bootstrap_auroc_over_seeds(LABELS, SCORES, draws=300, level=0.9, seed=5)
    each = auroc_draws(LABELS, SCORES, draws=300, seed=5)
    picks = generator(5, "bootstrap", "seeds").integers(0, 4, (300, 4))
    means = [np.mean([each[s, b] for s in picks[b]]) for b in range(300)]
    assert found.estimate == pytest.approx(np.mean([roc_auc_score(LABELS, row) for row in SCORES]))
    assert found[1:] == pytest.approx(tuple(np.percentile(means, [5, 95])))
    usual = bootstrap_auroc_over_seeds(LABELS, SCORES)
    assert usual == bootstrap_auroc_over_seeds(LABELS, SCORES, draws=2000, level=0.95, seed=0)
    assert auroc_draws_over_seeds(LABELS, SCORES).shape == (2000,)


def draw_study(rng, *, seeds, spread):
    """Scores whose separation differs by seed and whose noise is partly shared by seeds; binormal."""
    labels = np.arange(150) >= 60
    separation = 1.1 + spread * rng.normal(size=(seeds, 1))
    noise = np.sqrt(0.7) * rng.normal(size=150) + np.sqrt(0.3) * rng.normal(size=(seeds, 150))
    return labels, separation * labels + noise


@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_95_percent_intervals_cover_the_mean_over_seeds_and_images(spread):
    rng = np.random.default_rng(4)
    # E[Phi(d / sqrt 2)] for a normal d with mean 1.1 and standard deviation `spread`.
    truth = norm.cdf(1.1 / np.sqrt(2 + spread**2))
    found = [auroc_over_seeds(*draw_study(rng, seeds=3, spread=spread)) for _ in range(400)]
    covered = np.mean([low <= truth <= high for _, low, high in found])
    assert covered == pytest.approx(0.95, abs=0.04)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="same seeds and images"):
        auroc_difference_over_seeds(LABELS, SCORES, OTHERS[:2])
    with pytest.raises(InputError, match="one seed has no spread"):
        random_seeds([0.8])
