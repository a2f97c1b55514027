"""What can be told apart: components by a naive loop, and the words of the command."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.config import load_config
from fusionmedclip.errors import InputError
from fusionmedclip.lab.compare import compare_methods
from fusionmedclip.lab.inputs import find_inputs
from fusionmedclip.metrics import delong_interval
from tests.lab.models import phantoms, small_model, write_overlay, write_pngs


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    write_overlay(folder)
    write_pngs(folder / "normals", phantoms(6))
    write_pngs(folder / "abnormals", phantoms(5, lesion=True, first=40))
    return folder


def test_a_normal_image_meets_abnormal_ones_in_the_model_that_was_fitted_without_it(home: Path) -> None:
    normals = sorted((home / "normals").iterdir())
    abnormals = sorted((home / "abnormals").iterdir())
    found = compare_methods(
        load_config(home / "overlay.yaml"),
        ["my_contrast", "my_patchcore"],
        find_inputs(normals).inputs,
        find_inputs(abnormals).inputs,
        folds=3,
    )
    wins = []
    for part in range(3):
        inside = [path for number, path in enumerate(normals) if number % 3 != part]
        model = small_model(home / "overlay.yaml", "patchcore", folds=0, batch_size=8).fit(inside)
        unseen = model.score_samples(abnormals)
        for path in normals[part::3]:
            wins += [float(score > model.score_samples([path])[0]) for score in unseen]
    assert found.aurocs["my_patchcore"].estimate == pytest.approx(np.mean(wins))
    model = small_model(home / "overlay.yaml", "contrast", folds=0).fit(normals)  # learns nothing
    scores = [*model.score_samples(normals), *model.score_samples(abnormals)]
    labels = np.repeat([0, 1], [6, 5])
    assert found.aurocs["my_contrast"].estimate == pytest.approx(roc_auc_score(labels, scores))
    np.testing.assert_allclose(found.aurocs["my_contrast"], delong_interval(labels, scores))
    (pair,) = found.pairs
    estimates = [found.aurocs[name].estimate for name in (pair.first, pair.second)]
    assert pair.difference.difference == pytest.approx(estimates[0] - estimates[1])
    assert (found.normal, found.abnormal, found.made) == (6, 5, False)


def test_requests_that_mean_nothing_are_refused_before_work(home: Path) -> None:
    def ask(methods: list[str], abnormals: str = "abnormals", **more) -> None:
        given = [find_inputs([home / name]).inputs for name in ("normals", abnormals)]
        compare_methods(load_config(home / "overlay.yaml"), methods, *given, **more)

    for wrong, says in (
        ({"methods": []}, "no methods to compare"),
        ({"methods": ["my_contrast"], "abnormals": "normals"}, "given as normal and as abnormal"),
        ({"methods": ["my_contrast"], "rule": "median"}, "rule"),
        ({"methods": ["my_contrast"], "slices": -1}, "slices"),
    ):
        with pytest.raises(InputError, match=says):
            ask(**wrong)


def test_copies_under_other_names_are_refused_before_work(tmp_path: Path) -> None:
    config = load_config(write_overlay(tmp_path))
    images = phantoms(3)
    normal, copied, same = tmp_path / "normal", tmp_path / "copied", tmp_path / "same"
    write_pngs(normal, images)
    write_pngs(copied, images[::-1][:2])
    write_pngs(same, [images[0]] * 2)
    told = (
        r"(?s)given as normal and as abnormal.*2 images in both, first .*normal/\d+.png and .*copied/\d+.png"
    )
    with pytest.raises(InputError, match=told):
        compare_methods(config, ["my_contrast"], find_inputs([normal]).inputs, find_inputs([copied]).inputs)
    with pytest.raises(InputError, match="copies of one normal image"):
        compare_methods(config, ["my_contrast"], find_inputs([same]).inputs)


def test_without_abnormal_images_anomalies_are_made_and_it_says_so(home: Path) -> None:
    def run(*words: object):
        return CliRunner().invoke(app, list(map(str, words)))

    options = ("--config", home / "overlay.yaml", "--methods", "my_contrast,my_mean_brightness", "--folds", 2)
    done = run("compare", home / "normals", *options, "--out", home / "table.csv")
    assert done.exit_code == 0, done.output
    assert "6 anomalies made into the left-out ones" in done.output
    assert "Made anomalies are not lesions" in done.output
    assert "told apart" in done.output
    assert "With so few images" in done.output
    assert (
        (home / "table.csv").read_text().startswith("method,auroc,low,high,normal,abnormal,made,rests_on\n")
    )
    again = run("compare", home / "normals", *options, "--out", home / "table.csv")
    assert again.exit_code == 2
    with pytest.raises(InputError, match="too few images"):
        compare_methods(load_config(), ["patchcore"], find_inputs([home / "normals" / "00.png"]).inputs)
