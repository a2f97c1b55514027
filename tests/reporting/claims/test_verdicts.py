"""Verdicts on made-up runs whose truth is known."""

import numpy as np
import pytest
from scipy.stats import norm

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import delong
from fusionmedclip.metrics.conjunctions import draws_to_tell
from fusionmedclip.metrics.contrasts import Estimate
from fusionmedclip.reporting.claims.catalogue import Claim
from fusionmedclip.reporting.claims.comparisons import Cell, compared
from fusionmedclip.reporting.claims.evidence import MISSING, NO_POOL, ONE_SEED, Evidence
from fusionmedclip.reporting.claims.lines import COLUMNS, claim_lines, count_text
from fusionmedclip.reporting.claims.verdicts import (
    CANNOT_TELL,
    CONTRADICTED,
    NOT_TESTABLE,
    OWN_TABLES,
    SUPPORTED,
    judge_claims,
)
from fusionmedclip.reporting.comparisons.tested_images import Images

IMAGES = {
    "busi": Images(normal=133, abnormal=647, pool=32),
    "chexpert": Images(normal=500, abnormal=250, pool=250),
}
TESTED = {"busi": (101, 647), "chexpert": (250, 250)}


def _claim(name="one", **test):
    test = {"kind": "beats", "table": "table6", "method": "fusionmedclip", "over": ["squid"],
            "datasets": ["busi"], "shots": [16], "more_than": 0, **test}  # fmt: skip
    return Claim(
        name=name, short=name, text="t", section="4", reading="", why="", comparisons=compared(name, test)
    )


def _cells(strengths, *, dataset="busi", k=16, seeds=3, table="table6", draws=0.02, study=0, status="ok"):
    """Cells of methods whose images are told apart by so much; the same images and supports for all."""
    rng = np.random.default_rng([study, k, len(dataset)])
    labels = np.repeat([0, 1], TESTED[dataset])
    image = rng.normal(size=labels.size)
    found = {}
    for method, strength in strengths.items():
        drawn = strength + draws * rng.normal(size=(seeds, 1))
        scores = image + drawn * labels + 0.3 * rng.normal(size=(seeds, labels.size))
        metric = "pixel_auroc" if table == "table7" else "image_auroc"
        found[Cell(table, dataset, method, k)] = {
            "table": table, "dataset": dataset, "method": method, "k": k, "metric": metric, "status": status,
            "values": delong(labels, scores).aurocs.tolist(), "labels": labels, "scores": scores,
        }  # fmt: skip
    return found


def _one(claim, cells):
    (found,) = judge_claims([claim], Evidence(cells, IMAGES))
    return found


def test_far_apart_is_supported_or_contradicted():
    better = _cells({"fusionmedclip": 3.0, "squid": 1.0})
    worse = _cells({"fusionmedclip": 1.0, "squid": 3.0})
    assert _one(_claim(), better).verdict == SUPPORTED
    assert _one(_claim(), worse).verdict == CONTRADICTED
    assert _one(_claim(more_than=60), better).verdict == OWN_TABLES  # 91.5 - 64.8 is no 60
    near = _cells({"fusionmedclip": 3.0, "squid": 2.0})
    assert _one(_claim(more_than=26), near).verdict == CONTRADICTED  # by far less here


def test_one_comparison_that_fails_contradicts_even_where_others_were_not_run():
    claim = _claim(over=["squid", "regad"])
    cells = _cells({"fusionmedclip": 1.0, "squid": 3.0})
    assert _one(claim, cells).verdict == CONTRADICTED
    cells = _cells({"fusionmedclip": 3.0, "squid": 1.0})
    found = _one(claim, cells)
    assert (found.verdict, found.estimates[1]) == (NOT_TESTABLE, MISSING)


def test_the_least_sure_comparison_decides_a_conjunction():
    claim = _claim(over=["squid", "regad"])
    cells = _cells({"fusionmedclip": 3.0, "squid": 1.0, "regad": 2.0})
    found = _one(claim, cells)
    assert (found.verdict, found.deciding) == (SUPPORTED, 1)
    cells = _cells({"fusionmedclip": 3.0, "squid": 1.0, "regad": 3.0})
    assert _one(claim, cells).verdict == CANNOT_TELL


@pytest.mark.parametrize("status", ["stand-in", "not run"])
def test_what_is_not_the_thesis_s_protocol_tells_nothing(status):
    cells = _cells({"fusionmedclip": 3.0, "squid": 1.0}, status=status)
    found = _one(_claim(), cells)
    assert (found.verdict, found.estimates) == (NOT_TESTABLE, (status,))
    assert _one(_claim(), {}).estimates == (MISSING,)


def test_one_draw_and_a_whole_pool_cannot_tell():
    cells = _cells({"fusionmedclip": 3.0, "squid": 1.0}, seeds=1)
    found = _one(_claim(), cells)
    assert (found.verdict, found.estimates) == (CANNOT_TELL, (ONE_SEED,))
    claim, cells = _claim(shots=[32]), _cells({"fusionmedclip": 3.0, "squid": 1.0}, k=32)
    found = _one(claim, cells)
    assert (found.verdict, found.estimates) == (CANNOT_TELL, (NO_POOL,))
    cells |= _cells({"fusionmedclip": 3.0, "squid": 1.0}, k=16)
    assert _one(claim, cells).verdict == SUPPORTED  # what another pool brings is learnt from k = 16


def test_cells_that_do_not_pair_or_hold_no_numbers_are_refused_and_judge_nothing():
    """A missing seed, a NaN, an image without a score: none may shift a verdict."""
    cells = _cells({"fusionmedclip": 3.0, "squid": 1.0})
    cell = Cell("table6", "busi", "squid", 16)
    values, scores = cells[cell]["values"], cells[cell]["scores"]
    spoilt = [
        ({"values": values[:2]}, r"(?s)numbers of seeds.*fusionmedclip 16: 3.*squid 16: 2"),
        ({"values": [float("nan"), *values[1:]]}, r"values over seeds are unusable"),
        ({"scores": np.where(np.arange(scores.shape[1]) == 7, np.inf, scores)}, r"not all finite"),
    ]
    for change, message in spoilt:
        with pytest.raises(InputError, match=message):
            judge_claims([_claim("a")], Evidence(cells | {cell: {**cells[cell], **change}}, IMAGES))


SPLIT = 0.0001
"""Variance of test images and pool, in estimates by hand."""


def _estimate(value, split=SPLIT):
    """Of standard error 0.02 and with the normal distribution."""
    return Estimate(value, 0.02, np.inf, 3, 3 * (0.0004 - SPLIT), split)


class _Given(Evidence):
    """Estimates by hand, in place of runs: the same for each claim."""

    def __init__(self, *estimates):
        self.left = list(estimates)

    def estimate(self, comparison):
        self.left.append(self.left.pop(0))
        return self.left[-1]


def _draws(value, level):
    return draws_to_tell(_estimate(value), abs(value), level=level)


@pytest.mark.parametrize(
    ("values", "claims", "verdict", "deciding", "p_value", "draws"),
    [
        # all inside: the largest p of "it breaks", by Holm at half of the level; the most draws of any
        ((0.01, 0.03), 1, CANNOT_TELL, 0, 2 * norm.sf(0.5), _draws(0.01, 0.025)),
        ((0.03, 0.01), 1, CANNOT_TELL, 1, 2 * norm.sf(0.5), _draws(0.01, 0.025)),
        ((0.05, 0.044), 2, CANNOT_TELL, 1, 4 * norm.sf(2.2), _draws(0.044, 0.0125)),
        ((0.05, 0.044), 1, SUPPORTED, 1, 2 * norm.sf(2.2), None),
        # one outside: the smallest p of "it keeps", times two for two comparisons; the fewest draws of any
        ((0.01, -0.03), 1, CANNOT_TELL, 1, 4 * norm.sf(1.5), _draws(-0.03, 0.025 / 2)),
        ((-0.03, -0.035), 1, CANNOT_TELL, 1, 4 * norm.sf(1.75), _draws(-0.035, 0.025 / 2)),
        ((-0.049, -0.03), 2, CANNOT_TELL, 0, 8 * norm.sf(2.45), _draws(-0.049, 0.0125 / 2)),
        ((-0.049, -0.03), 1, CONTRADICTED, 0, 4 * norm.sf(2.45), None),
        ((-0.03, 0.0), 1, CANNOT_TELL, 0, 4 * norm.sf(1.5), _draws(-0.03, 0.025 / 2)),
        # what is missing: no draws are named; a part that was not run leaves nothing to test
        ((0.03, ONE_SEED), 1, CANNOT_TELL, 0, None, None),
        ((-0.03, NO_POOL), 1, CANNOT_TELL, 0, 2 * norm.sf(1.5), None),
        ((-0.03, MISSING), 1, NOT_TESTABLE, None, 2 * norm.sf(1.5), None),
        ((-0.06, MISSING), 1, CONTRADICTED, 0, 2 * norm.sf(3), None),
    ],
)
def test_verdicts_by_hand(values, claims, verdict, deciding, p_value, draws):
    given = _Given(*(value if isinstance(value, str) else _estimate(value) for value in values))
    asked = [_claim(f"c{n}", over=["squid", "regad"]) for n in range(claims)]
    for found in judge_claims(asked, given):
        assert (found.verdict, found.deciding, found.draws) == (verdict, deciding, draws)
        assert found.p_value == (None if p_value is None else pytest.approx(p_value))


@pytest.mark.parametrize(
    ("value", "p_value", "level"),
    [
        (0.13, 2 * norm.sf(1.5), 0.025),
        (0.47, 2 * norm.sf(1.5), 0.025),
        (0.07, 4 * norm.sf(1.5), 0.025 / 2),
        (0.53, 4 * norm.sf(1.5), 0.025 / 2),
    ],
)
def test_the_nearer_of_two_bounds_counts(value, p_value, level):
    (found,) = judge_claims([_claim(more_than=10, less_than=50)], _Given(_estimate(value)))
    assert (found.verdict, found.draws) == (CANNOT_TELL, _draws(0.03, level))
    assert found.p_value == pytest.approx(p_value)


def test_draws_are_named_where_each_part_that_counts_has_some():
    claim, never = _claim(over=["squid", "regad"]), _estimate(0.01, split=0.0004)
    (found,) = judge_claims([claim], _Given(_estimate(0.03), never))
    assert (found.verdict, found.draws) == (CANNOT_TELL, None)
    (found,) = judge_claims([claim], _Given(_estimate(-0.03), never._replace(value=-0.01)))
    assert (found.verdict, found.draws) == (CANNOT_TELL, _draws(-0.03, 0.025 / 2))


@pytest.mark.parametrize(
    ("test", "own"),
    [
        ({"more_than": 26.8}, False),  # 91.5 - 64.8 may have been 26.8 before each was rounded
        ({"more_than": 26.81}, True),
        ({"more_than": 0, "less_than": 26.6}, False),
        ({"more_than": 0, "less_than": 26.59}, True),
    ],
)
def test_its_own_tables_contradict_what_no_rounding_allows(test, own):
    (found,) = judge_claims([_claim(**test)], _Given(MISSING))
    assert (found.verdict, found.deciding) == ((OWN_TABLES, 0) if own else (NOT_TESTABLE, None))


def test_a_method_beside_itself_is_never_told_apart():
    cells = _cells({"fusionmedclip": 1.5})
    (held,) = cells.values()
    cells[Cell("table6", "busi", "squid", 16)] = {**held, "method": "squid"}
    found = _one(_claim(), cells)
    assert (found.verdict, found.p_value) == (CANNOT_TELL, 1.0)


def test_two_that_are_alike_cannot_be_told_and_it_says_what_is_missing():
    cells = _cells({"fusionmedclip": 1.6, "squid": 1.52}, draws=0.15, dataset="chexpert")
    found = _one(_claim(datasets=["chexpert"]), cells)
    assert found.verdict == CANNOT_TELL
    (line,) = claim_lines([found], {})
    assert found.draws is None or found.draws > 3
    assert "support draws" in line["because"]
    assert "By itself" not in line["because"]


def test_what_would_tell_by_itself_and_not_among_many_says_so():
    cells = _cells({"fusionmedclip": 1.5, "squid": 1.4}, study=3)
    alone, many = (
        _one(_claim(), cells),
        judge_claims([_claim(f"c{n}") for n in range(20)], Evidence(cells, IMAGES)),
    )
    assert alone.verdict == SUPPORTED
    assert {found.verdict for found in many} == {CANNOT_TELL}
    assert "By itself that would tell" in claim_lines(many, {})[0]["because"]


def test_a_printed_mean_is_held_against_the_interval_of_a_replication():
    claim = _claim(kind="figure", within=3, amounts={"busi": 91.5})
    assert _one(claim, _cells({"fusionmedclip": 0.3})).verdict == CONTRADICTED
    near = _one(claim, _cells({"fusionmedclip": 2.02}))
    (estimate,) = near.estimates
    assert abs(estimate.value - 0.915) < 0.03
    assert near.verdict in (SUPPORTED, CANNOT_TELL)


def test_an_average_over_data_sets_and_a_pixel_metric_are_tested_too():
    cells = _cells({"fusionmedclip": 3.0, "squid": 1.0}) | _cells(
        {"fusionmedclip": 3.0, "squid": 1.0}, dataset="chexpert"
    )
    claim = _claim(kind="average", datasets=["busi", "chexpert"])
    assert _one(claim, cells).verdict == SUPPORTED
    pixels = _cells({"fusionmedclip": 3.0, "squid": 1.0}, table="table7")
    assert _one(_claim(table="table7"), pixels).verdict == SUPPORTED


def test_more_claims_ask_for_more():
    """The same runs tell one claim, and not one of many of which nothing else is known."""
    cells = _cells({"fusionmedclip": 1.5, "squid": 1.42}, study=3)
    alone = _one(_claim(), cells)
    many = judge_claims([_claim(f"c{n}") for n in range(20)], Evidence(cells, IMAGES))
    assert {found.verdict for found in many} == {many[0].verdict}
    assert many[0].p_value == pytest.approx(min(1.0, 20 * alone.p_value))


def test_equal_methods_get_a_verdict_in_few_of_many_studies():
    """Two equals: "better" is false, and "contradicted" would be right; it errs where it says supported."""
    studies = 160
    claim, said = _claim(datasets=["chexpert"]), []
    for study in range(studies):
        cells = _cells({"fusionmedclip": 1.5, "squid": 1.5}, dataset="chexpert", draws=0.1, study=study)
        said.append(_one(claim, cells).verdict)
    assert said.count(SUPPORTED) / studies < 0.05
    assert said.count(CONTRADICTED) / studies < 0.05
    assert said.count(CANNOT_TELL) < studies  # the level is used


def test_a_line_has_every_column_and_says_what_decides():
    cells = _cells({"fusionmedclip": 3.0, "squid": 2.0})
    judged = judge_claims([_claim("far", more_than=26), _claim("near")], Evidence(cells, IMAGES))
    near, far = claim_lines(judged, {"busi": "BUSI", "squid": "SQUID", "fusionmedclip": "F"})
    assert set(near) <= set(COLUMNS)
    assert (near["claim"], far["claim"]) == ("near", "far")  # supported first
    assert near["because"].startswith("F − SQUID, BUSI, k = 16: +")
    assert "95 % interval" in near["because"]
    assert near["because"].endswith("claimed is more than 0.")
    assert near["cells"] == "table6 busi fusionmedclip 16; table6 busi squid 16"
    assert near["ci_low"] > 0
    assert count_text([near, far]) == "Of the thesis's 2 claims: 1 supported, 1 contradicted."
