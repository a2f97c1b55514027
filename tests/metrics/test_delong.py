import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import delong, delong_interval, delong_test, holm, image_auroc

# DeLong et al. (1988) as reprinted in the SAS/STAT user's guide, "Comparing Receiver Operating Characteristic
# Curves" (PROC LOGISTIC): albumin, total protein, K-G score, outcome; 43 patients with all three tests.
OVARIAN = np.array(
    """
    3.0 5.8 10 0  3.2 6.3  5 1  3.9 6.8  3 1  2.8 4.8  6 0  3.2 5.8  3 1  0.9 4.0  5 0  2.5 5.7  8 0
    1.6 5.6  5 1  3.8 5.7  5 1  3.7 6.7  6 1  3.2 5.4  4 1  3.8 6.6  6 1  4.1 6.6  5 1  3.6 5.7  5 1
    4.3 7.0  4 1  3.6 6.7  4 0  2.3 4.4  6 1  4.2 7.6  4 0  4.0 6.6  6 0  3.5 5.8  6 1  3.8 6.8  7 1
    3.0 4.7  8 0  4.5 7.4  5 1  3.7 7.4  5 1  3.1 6.6  6 1  4.1 8.2  6 1  4.3 7.0  5 1  4.3 6.5  4 1
    3.2 5.1  5 1  2.6 4.7  6 1  3.3 6.8  6 0  1.7 4.0  7 0  3.7 6.1  5 1  3.3 6.3  7 1  4.2 7.7  6 1
    3.5 6.2  5 1  2.9 5.7  9 0  2.1 4.8  7 1  2.8 6.2  8 0  4.0 7.0  7 1  3.3 5.7  6 1  3.7 6.9  5 1
    3.6 6.6  5 1
    """.split(),  # noqa: SIM905 - a table is read as a table
    dtype=float,
).reshape(43, 4)
OUTCOME = OVARIAN[:, 3]
ALBUMIN, PROTEIN, KG = OVARIAN[:, 0], OVARIAN[:, 1], 10 - OVARIAN[:, 2]


def naive_covariance(labels, scores):
    """Structural components by counting every pair (DeLong et al. 1988, equations 4 to 6)."""

    def psi(p, n):
        return float(p > n) + 0.5 * (p == n)

    v10 = [[np.mean([psi(p, n) for n in row[~labels]]) for p in row[labels]] for row in scores]
    v01 = [[np.mean([psi(p, n) for p in row[labels]]) for n in row[~labels]] for row in scores]
    aurocs = np.array([np.mean(row) for row in v10])
    methods = range(len(scores))
    s10, s01 = (
        np.array(
            [
                [sum((v[r] - aurocs[r]) * (v[s] - aurocs[s])) / (len(v[r]) - 1) for s in methods]
                for r in methods
            ]
        )
        for v in (np.array(v10), np.array(v01))
    )
    return aurocs, s10 / labels.sum() + s01 / (~labels).sum()


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-2, 2), st.integers(-9, 9)), min_size=4, max_size=25
    ).filter(lambda rows: 2 <= sum(row[0] for row in rows) <= len(rows) - 2)
)
def test_covariance_is_that_of_counting_every_pair(rows):
    table = np.array(rows)
    labels, scores = table[:, 0].astype(bool), table[:, 1:].T.astype(float)
    aurocs, covariance = naive_covariance(labels, scores)
    found = delong(labels, scores)
    assert found.aurocs == pytest.approx(aurocs, abs=1e-12)
    assert found.covariance == pytest.approx(covariance, abs=1e-12)


def test_published_areas_and_standard_errors():
    found = delong(OUTCOME, [ALBUMIN, KG, PROTEIN])
    assert found.aurocs.round(4).tolist() == [0.7366, 0.7258, 0.6478]
    assert np.sqrt(np.diag(found.covariance)).round(4).tolist() == [0.0927, 0.1028, 0.1000]


@pytest.mark.parametrize(
    ("scores", "difference", "low", "high", "p_value"),
    [(ALBUMIN, 0.0108, -0.1761, 0.1976, 0.9102), (PROTEIN, -0.0780, -0.2830, 0.1271, 0.4561)],
)
def test_published_contrasts_with_the_kg_score(scores, difference, low, high, p_value):
    assert delong_test(OUTCOME, scores, KG) == pytest.approx((difference, low, high, p_value), abs=5.1e-5)


def test_published_overall_contrast():
    found = delong(OUTCOME, [ALBUMIN, KG, PROTEIN])
    contrast = np.array([[1, -1, 0], [0, -1, 1]])
    difference = contrast @ found.aurocs
    chi2 = difference @ np.linalg.solve(contrast @ found.covariance @ contrast.T, difference)
    assert chi2 == pytest.approx(2.5340, abs=5.1e-5)


def test_the_interval_is_symmetric_on_the_logit_scale():
    found = delong_interval(OUTCOME, ALBUMIN, level=0.9)
    auroc, variance = image_auroc(OUTCOME, ALBUMIN), delong(OUTCOME, ALBUMIN).covariance[0, 0]
    error = np.sqrt(variance) / (auroc * (1 - auroc))
    logits = [np.log(end / (1 - end)) for end in found]
    assert logits[1:] == pytest.approx(
        [logits[0] - norm.ppf(0.95) * error, logits[0] + norm.ppf(0.95) * error]
    )


def test_swapping_the_methods_changes_the_sign_alone():
    one, two = delong_test(OUTCOME, ALBUMIN, KG), delong_test(OUTCOME, KG, ALBUMIN)
    assert (one.difference, one.low, one.high) == pytest.approx((-two.difference, -two.high, -two.low))
    assert one.p_value == pytest.approx(two.p_value)


def test_a_method_does_not_differ_from_itself():
    assert delong_test(OUTCOME, ALBUMIN, np.exp(ALBUMIN)) == (0, 0, 0, 1)


def test_no_p_value_where_the_variance_is_zero_and_the_difference_is_not():
    perfect, constant = OUTCOME, np.zeros(43)
    assert delong_test(OUTCOME, perfect, constant) == (0.5, 0.5, 0.5, None)
    assert delong_interval(OUTCOME, perfect).high == 1 > delong_interval(OUTCOME, perfect).low
    assert delong_interval(OUTCOME, constant).low < 0.5 == delong_interval(OUTCOME, constant).estimate


def test_p_values_are_uniform_where_two_methods_are_equally_good():
    rng, labels = np.random.default_rng(2), np.arange(120) >= 50
    shared = rng.normal(size=(600, 120)) + labels
    a, b = (shared + 0.7 * rng.normal(size=(600, 120)) for _ in range(2))
    p = np.array([delong_test(labels, x, y).p_value for x, y in zip(a, b, strict=True)])
    # Standard error of the share of 600: 0.009 at 0.05, 0.02 at 0.5.
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.07)


def test_one_image_of_a_class_has_no_variance():
    with pytest.raises(InputError, match="1 anomalous, 3 normal"):
        delong([0, 0, 0, 1], [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        # 5 x 0.005; 4 x 0.01; 3 x 0.03; 2 x 0.04 raised to the 0.09 before it; 0.2.
        ([0.01, 0.04, 0.03, 0.005, 0.2], [0.04, 0.09, 0.09, 0.025, 0.2]),
        ([0.4, 0.9], [0.8, 0.9]),
        ([0.6, 0.7, 0.8], [1, 1, 1]),
        ([0.02], [0.02]),
        ([0.01, 0.01], [0.02, 0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values, adjusted):
    assert holm(p_values).tolist() == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, alpha):
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    rejected = set()
    for step, index in enumerate(order):
        if p_values[index] * (len(p_values) - step) > alpha:
            break
        rejected.add(index)
    assert {i for i, p in enumerate(holm(p_values)) if p <= alpha} == rejected


@pytest.mark.parametrize("p_values", [[0.1, np.nan], [1.2], [-0.1], [[0.1]]])
def test_holm_wants_p_values(p_values):
    with pytest.raises(InputError, match="p-values"):
        holm(p_values)
