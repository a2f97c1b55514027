from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import brier_score, expected_calibration_error, is_probability, reliability

# Multiples of 1/30 fall on the edges of 15 bins as often as inside them.
runs = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


def naive_ece(labels, scores, bins):
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in pairwise(edges):
        inside = [i for i, s in enumerate(scores) if low < s <= high or (low == 0 and s == 0)]
        if inside:
            mean_score = sum(scores[i] for i in inside) / len(inside)
            frequency = sum(labels[i] for i in inside) / len(inside)
            total += len(inside) / len(scores) * abs(mean_score - frequency)
    return total


@given(runs, st.sampled_from([1, 4, 15]))
def test_ece_is_that_of_a_loop_over_bins(rows, bins):
    labels, scores = [label for label, _ in rows], [score / 30 for _, score in rows]
    assert expected_calibration_error(labels, scores, bins=bins) == pytest.approx(
        naive_ece(labels, scores, bins)
    )


def test_reliability_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    scores = rng.random(500)
    labels = rng.random(500) < scores**2
    frequency, mean_score = calibration_curve(labels, scores, n_bins=15)
    found = reliability(labels, scores)
    assert found.score == pytest.approx(mean_score)
    assert found.frequency == pytest.approx(frequency)
    assert found.count.sum() == 500


def test_brier_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    scores, labels = rng.random(200), rng.random(200) > 0.4
    assert brier_score(labels, scores) == pytest.approx(brier_score_loss(labels, scores))


def test_hand_calculation():
    # One bin: mean score 0.5, half anomalous. Two bins: |0.2 - 0| and |0.8 - 1|, half the images each.
    assert expected_calibration_error([0, 1], [0.2, 0.8], bins=1) == pytest.approx(0)
    assert expected_calibration_error([0, 1], [0.2, 0.8], bins=2) == pytest.approx(0.2)
    assert brier_score([0, 1], [0.2, 0.8]) == pytest.approx(0.04)


def test_scores_outside_0_to_1_have_no_calibration():
    assert is_probability([0.0, 0.5, 1.0])
    assert not is_probability([0.0, 1.5])
    assert not is_probability([np.nan, 0.5])
    for metric in (brier_score, expected_calibration_error, reliability):
        with pytest.raises(InputError, match="no probabilities"):
            metric([0, 1], [0.2, 1.2])


def test_there_is_at_least_one_bin():
    with pytest.raises(InputError, match="bins"):
        reliability([0, 1], [0.2, 0.3], bins=0)
