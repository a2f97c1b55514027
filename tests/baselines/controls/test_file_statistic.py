"""Controls of a file's properties against hand calculation, and through a run as the workflow makes it."""

import json

import numpy as np
import pandas as pd
import pytest

from fusionmedclip.baselines.controls import file_settings as names
from fusionmedclip.baselines.controls.file_settings import FileStatisticSettings
from fusionmedclip.baselines.controls.file_statistic import FileStatistic
from fusionmedclip.data.curation import statistics
from fusionmedclip.errors import InputError
from fusionmedclip.methods import check_settings, make_method, reads_files
from fusionmedclip.pipeline.runs import run_method


def test_names_are_those_of_the_statistics():
    assert names.NUMBERS == statistics.PROPERTIES
    assert names.CATEGORIES == statistics.CATEGORIES


@pytest.mark.parametrize(
    ("reading", "expected"), [("deviation", [0, 1, 3]), ("raw", [4, 6, -2]), ("inverted", [-4, -6, 2])]
)
def test_numbers_by_hand(reading, expected):
    """Support 2, 4, 6, 4: mean 4, standard deviation sqrt(8 / 4); 4, 4 + sd, 4 - 3 sd for the deviation."""
    control = FileStatistic(settings=FileStatisticSettings(statistic="bytes", reading=reading))
    control.fit(np.array([2, 4, 6, 4]))
    deviation = np.sqrt(2)
    given = [4, 4 + deviation, 4 - 3 * deviation] if reading == "deviation" else [4, 6, -2]
    np.testing.assert_allclose(control.score(np.array(given)).scores, expected, atol=1e-12)


def test_words_by_hand_and_after_saving(tmp_path):
    control = FileStatistic(settings=FileStatisticSettings(statistic="suffix"))
    control.fit(np.array([".png", ".jpg", ".png", ""], object))
    seen = np.array([".png", ".jpg", "", ".tif"], object)
    np.testing.assert_allclose(control.score(seen).scores, [0.5, 0.75, 0.75, 1.0])
    control.save(tmp_path)
    restored = FileStatistic(settings=FileStatisticSettings(statistic="suffix")).restore(tmp_path)
    np.testing.assert_array_equal(restored.score(seen).scores, control.score(seen).scores)
    assert control.score(seen).maps is None


def test_settings_are_checked():
    with pytest.raises(InputError, match="has no order"):
        check_settings("file_statistic", {"statistic": "format", "reading": "raw"}, where="m")
    with pytest.raises(InputError, match="statistic"):
        check_settings("file_statistic", {"statistic": "patient"}, where="m")
    with pytest.raises(InputError, match="unknown key"):
        check_settings("file_statistic", {"column": "area"}, where="m")
    assert reads_files("file_statistic")
    assert not reads_files("mean_brightness")
    with pytest.raises(InputError, match="not fitted"):
        make_method("file_statistic", {}).score(np.zeros(2))


def test_a_run_scores_the_files_of_the_test_images(tmp_path):
    ids = [f"{number}.png" for number in range(6)]
    manifest = pd.DataFrame({"image_id": ids, "file": ids, "sha256": "0", "label": [0, 0, 0, 0, 1, 1],
                             "class": "x", "mask": "", "split": "", "group": ""})  # fmt: skip
    tables = {
        "manifest": manifest,
        "split": pd.DataFrame({"image_id": ids, "part": ["pool", "test", "pool", "test", "test", "test"]}),
        "support": pd.DataFrame({"image_id": ["2.png", "0.png"]}),
        "statistics": pd.DataFrame({"image_id": ids, "area": [10, 12, 14, 16, 2, 12]}),
    }
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    np.save(tmp_path / "images.npy", np.zeros((6, 8, 8), np.float32))
    np.save(tmp_path / "masks.npy", np.zeros((6, 8, 8), np.uint8))
    inputs = {name: str(tmp_path / f"{name}.csv") for name in tables}
    inputs |= {name: str(tmp_path / f"{name}.npy") for name in ("images", "masks")}
    outputs = {"weights": "weights", "log": "log.csv", "provenance": "p.json", "scores": "scores.csv",
               "pixel_counts": "counts.npz", "examples": "examples.npz"}  # fmt: skip
    outputs = {name: str(tmp_path / "out" / file) for name, file in outputs.items()}
    settings = {
        "method": {"kind": "file_statistic", "settings": {"statistic": "area"}},
        "dataset": "toy", "seed": 0, "split_seed": 0, "threads": 1, "examples": 3,
    }  # fmt: skip
    run_method(settings=settings, inputs=inputs, outputs=outputs)
    scores = pd.read_csv(outputs["scores"])
    assert list(scores["image_id"]) == ["1.png", "3.png", "4.png", "5.png"]
    # support 14 and 10: mean 12, standard deviation 2
    np.testing.assert_allclose(scores["score"], [0, 2, 5, 0])
    assert len(np.load(outputs["examples"])["rows"]) == 0
    assert json.loads((tmp_path / "out/p.json").read_text())["trained_parameters"] == {}
