"""Labels beside images: which rows are normal, and labels of which nobody could say."""

import numpy as np
import pytest

from fusionmedclip.data.labels import normal_rows
from fusionmedclip.errors import InputError


@pytest.mark.parametrize("y", [[0, 1, 0, 2], [0.0, 1.0, -0.0, -3.0], [False, True, False, True]])
def test_rows_of_label_0_are_normal(y: list) -> None:
    assert normal_rows(y, 4).tolist() == [0, 2]


def test_without_labels_all_are() -> None:
    assert normal_rows(None, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("y", "says"),
    [
        ([0, 1, 0], "one label an image"),
        ([0, np.nan, 0, 1], "(?s)whole.*nan"),
        ([0, 0.5, 0, 1], r"(?s)whole.*0\.5"),
        ([0, np.inf, 0, 1], "(?s)whole.*inf"),
        (["a", "b", "a", "b"], "labels are numbers"),
        ([1, 1, 2, 1], "no normal image"),
    ],
)
def test_labels_that_say_nothing_are_refused(y: list, says: str) -> None:
    with pytest.raises(InputError, match=says):
        normal_rows(y, 4)
