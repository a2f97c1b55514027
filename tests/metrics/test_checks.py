import subprocess
import sys

import numpy as np
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.metrics.checks import check_labels, check_level, check_maps, check_run, check_runs


@pytest.mark.parametrize(
    "labels", [[0, 1, 1], [False, True, True], [0.0, 1.0, 1.0], np.array([0, 1, 1], np.uint8)]
)
def test_labels_become_bool(labels):
    assert check_labels(labels).tolist() == [False, True, True]
    assert check_labels(labels).dtype == bool


@pytest.mark.parametrize("labels", [[0, 2], [-1, 1], [0, np.nan, 1], ["normal", "anomalous"], [0.5, 1]])
def test_labels_other_than_0_and_1_are_refused(labels):
    with pytest.raises(InputError, match="other than 0 and 1"):
        check_labels(labels)


def test_one_class_is_refused_with_both_counts():
    with pytest.raises(InputError, match="0 anomalous, 3 normal"):
        check_labels([0, 0, 0])
    with pytest.raises(InputError, match="2 anomalous, 0 normal"):
        check_labels([1, 1])
    with pytest.raises(InputError, match="0 anomalous, 0 normal"):
        check_labels([])


def test_labels_of_two_dimensions_are_refused():
    with pytest.raises(InputError, match="one-dimensional"):
        check_labels([[0, 1]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_counted(bad):
    with pytest.raises(InputError, match="1 NaN or infinite of 3"):
        check_run([0, 1, 1], [0.1, bad, 0.3])


@pytest.mark.parametrize("scores", [[0.1, 0.2], [[0.1, 0.2, 0.3]], 0.5])
def test_scores_of_another_shape_are_refused(scores):
    with pytest.raises(InputError, match="do not match"):
        check_run([0, 1, 1], scores)


@pytest.mark.parametrize("scores", [["a", "b", "c"], [1j, 2j, 3j], [None, None, None]])
def test_scores_that_are_no_numbers_are_refused(scores):
    with pytest.raises(InputError, match="not numbers"):
        check_run([0, 1, 1], scores)


def test_several_runs_share_their_labels():
    _, one = check_runs([0, 1], [0.1, 0.2])
    _, two = check_runs([0, 1], [[0.1, 0.2], [0.3, 0.4]])
    assert (one.shape, two.shape) == ((1, 2), (2, 2))
    with pytest.raises(InputError, match="do not match"):
        check_runs([0, 1], [[0.1, 0.2, 0.3]])


@pytest.mark.parametrize("value", [0, 1, -0.1, 95, np.nan])
def test_levels_lie_between_0_and_1(value):
    with pytest.raises(InputError, match="level"):
        check_level("level", value)


@pytest.mark.parametrize(
    ("maps", "masks", "what"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4), bool), "wrong form"),
        (np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), bool), "wrong form"),
        (np.zeros((1, 0, 4)), np.zeros((1, 0, 4), bool), "wrong form"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 5), bool), "do not match"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 4), np.uint8), "not binary"),
    ],
)
def test_maps_and_masks_of_the_wrong_form_are_refused(maps, masks, what):
    with pytest.raises(InputError, match=what):
        check_maps(maps, masks)


def test_importing_the_metrics_needs_no_torch():
    code = (
        "import sys, fusionmedclip.metrics;"
        "print(sorted({'torch', 'timm', 'open_clip', 'peft', 'snakemake'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
