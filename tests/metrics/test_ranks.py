import numpy as np
import pytest
from scipy.stats import f, friedmanchisquare

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import average_ranks, critical_difference, indistinguishable, rank_methods

# Demsar (2006), Table 6: AUC of four variants of C4.5 on 14 data sets. 0.97501 is printed as 0.975; the paper
# ranks it above the other 0.975 of its row.
DEMSAR = np.array(
    """
    0.763 0.768 0.771 0.798    0.599 0.591 0.590 0.569    0.954 0.971 0.968 0.967    0.628 0.661 0.654 0.657
    0.882 0.888 0.886 0.898    0.936 0.931 0.916 0.931    0.661 0.668 0.609 0.685    0.583 0.583 0.563 0.625
    0.775 0.838 0.866 0.875    1.000 1.000 1.000 1.000    0.940 0.962 0.965 0.962    0.619 0.666 0.614 0.669
    0.972 0.981 0.97501 0.975  0.957 0.978 0.946 0.970
    """.split(),  # noqa: SIM905 - a table is read as a table
    dtype=float,
).reshape(14, 4)


def test_published_ranks_and_critical_difference():
    found = rank_methods(DEMSAR)
    assert found.ranks.round(3).tolist() == [3.143, 2.000, 2.893, 1.964]
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.1) == pytest.approx(1.12, abs=0.005)


def test_published_statistic_corrected_for_ties():
    # The paper has chi2 = 9.28 and F = 3.69 without a correction. There are three pairs of ties and one
    # of four: 1 - (3 (2**3 - 2) + (4**3 - 4)) / (14 (4**3 - 4)) = 0.9071.
    ranks = average_ranks(DEMSAR)
    chi2 = 12 * 14 / (4 * 5) * (np.sum(ranks**2) - 4 * 5**2 / 4)
    assert chi2 == pytest.approx(9.28, abs=0.005)
    assert 13 * chi2 / (14 * 3 - chi2) == pytest.approx(3.69, abs=0.005)
    corrected = chi2 / (1 - 78 / 840)
    assert rank_methods(DEMSAR).p_value == pytest.approx(f.sf(13 * corrected / (42 - corrected), 3, 39))


@pytest.mark.parametrize(
    ("alpha", "quantiles"),
    [
        (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_published_quantiles_of_the_nemenyi_test(alpha, quantiles):
    for methods, quantile in enumerate(quantiles, start=2):
        found = critical_difference(methods, 1, alpha=alpha) / np.sqrt(methods * (methods + 1) / 6)
        assert found == pytest.approx(quantile, abs=0.0015)


def test_ranks_by_hand():
    # Row 1: 0.9 first, the two 0.5 share 2 and 3. Row 2: ascending.
    assert average_ranks([[0.9, 0.5, 0.5], [0.1, 0.2, 0.3]]).tolist() == [2.0, 2.25, 1.75]


def test_two_methods_give_the_chi_square_of_the_sign_test():
    values = [[1, 0], [1, 0], [1, 0], [0, 1], [2, 2]]
    # Three wins, one loss: (3 - 1)**2 / 4 = 1; F = 4 * 1 / (5 - 1).
    assert rank_methods(values).p_value == pytest.approx(f.sf(1.0, 1, 4))
    # Two wins and a draw: 2**2 / 2 = 2; F = 2 * 2 / (3 - 2), of 1 and 2 degrees t**2: 1 - t / sqrt(2 + t**2).
    assert rank_methods([[1, 0], [1, 0], [2, 2]]).p_value == pytest.approx(1 - 2 / np.sqrt(6))


def test_degenerate_tables():
    assert rank_methods(np.ones((5, 3))).p_value == 1
    assert rank_methods([[1, 2, 3]] * 4).p_value == 0
    assert rank_methods([[1, 2]] * 4).p_value == 0


def test_methods_that_rank_alike_are_told_apart_as_often_as_stated():
    rng = np.random.default_rng(0)
    tables = rng.random((300, 12, 5))
    p = np.array([rank_methods(table).p_value for table in tables])
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.035)
    chi2 = np.array([friedmanchisquare(*table.T).pvalue for table in tables])
    assert np.corrcoef(p, chi2)[0, 1] > 0.99


@pytest.mark.parametrize(
    ("ranks", "difference", "groups"),
    [
        ([1.0, 1.5, 3.0, 4.0], 1.2, [(0, 1), (2, 3)]),
        ([4.0, 1.0, 3.0, 1.5], 1.2, [(1, 3), (2, 0)]),
        ([1.0, 2.0, 3.0], 1.5, [(0, 1), (1, 2)]),
        ([1.0, 2.0, 3.0], 5.0, [(0, 1, 2)]),
        ([1.0, 2.0, 3.0], 0.5, []),
        ([2.0, 2.0], 0.1, [(0, 1)]),
        ([1.0, 2.0], 1.0, []),
    ],
)
def test_groups_of_a_rank_figure(ranks, difference, groups):
    assert indistinguishable(ranks, difference) == groups


@pytest.mark.parametrize("values", [[[1, 2]], [[1], [2]], [1, 2], [[1, np.nan], [1, 2]]])
def test_unusable_tables_are_refused(values):
    with pytest.raises(InputError, match="unusable"):
        rank_methods(values)


def test_there_is_something_to_compare():
    with pytest.raises(InputError, match="nothing to compare"):
        critical_difference(1, 5)
