import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import image_ap, image_auroc

# Few distinct values, so that ties are common.
runs = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


def pairwise_auroc(labels, scores):
    wins = [
        (p > n) + 0.5 * (p == n)
        for p, lp in zip(scores, labels, strict=True)
        if lp
        for n, ln in zip(scores, labels, strict=True)
        if not ln
    ]
    return sum(wins) / len(wins)


def stepwise_ap(labels, scores):
    positives, total, recall = sum(labels), 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        called = [label for label, score in zip(labels, scores, strict=True) if score >= threshold]
        total += (sum(called) / positives - recall) * sum(called) / len(called)
        recall = sum(called) / positives
    return total


@given(runs)
def test_equal_to_counting_pairs_and_thresholds(rows):
    labels, scores = zip(*rows, strict=True)
    assert image_auroc(labels, scores) == pytest.approx(pairwise_auroc(labels, scores), abs=1e-12)
    assert image_ap(labels, scores) == pytest.approx(stepwise_ap(labels, scores), abs=1e-12)


def test_hand_calculation():
    # Of the 2 x 2 pairs only (0.4 normal, 0.35 anomalous) is the wrong way round.
    assert image_auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75
    # Recall 1/2 at precision 1, then recall 1 at precision 2/3.
    assert image_ap([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)


def test_constant_scores_rank_at_random():
    assert image_auroc([0, 1, 1, 0, 1], [7.0] * 5) == 0.5
    assert image_ap([0, 1, 1, 0, 1], [7.0] * 5) == pytest.approx(3 / 5)


def test_a_single_anomalous_image_is_enough():
    assert image_auroc([0, 0, 0, 0, 1], [1, 2, 3, 4, 3.5]) == 0.75


def test_results_are_python_floats():
    assert type(image_auroc([0, 1], np.float32([0, 1]))) is float
    assert type(image_ap([0, 1], np.float32([0, 1]))) is float


def test_bad_input_is_refused():
    with pytest.raises(InputError):
        image_auroc([1, 1], [0.1, 0.2])
    with pytest.raises(InputError):
        image_ap([0, 1], [0.1, np.nan])
