"""The command explains one image in a folder; what cannot be explained is refused."""

import csv
import re
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector, explain
from fusionmedclip.lab.explain import explain_image
from fusionmedclip.lab.explanation_place import COLUMNS
from fusionmedclip.models.explanations import NearToken
from tests.killed_writes import kills
from tests.lab.models import phantoms, small_model, write_overlay


def test_an_explanation_shows_layers_and_words(fitted_fusion: AnomalyDetector, tmp_path: Path) -> None:
    grey = (np.random.default_rng(3).random((50, 40)) * 255).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a & b.png")
    found = explain_image(fitted_fusion, tmp_path / "a & b.png", tmp_path / "why")
    expected = fitted_fusion.predict([tmp_path / "a & b.png"])
    np.testing.assert_allclose(found.map, expected.maps[0], atol=1e-6)
    assert found.score == expected.scores[0]
    assert list(found.layers) == ["1", "2"]
    assert list(found.prompts) == ["normal", "anomaly"]
    np.testing.assert_allclose(np.mean(list(found.layers.values()), axis=0), found.map, atol=1e-5)
    folder = tmp_path / "why"
    assert sorted(p.name for p in folder.iterdir()) == [
        *(f"0{n}.png" for n in range(5)), "index.html", "tokens.csv",
    ]  # fmt: skip
    with (folder / "tokens.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 2 * 8 * 5
    page = (folder / "index.html").read_text()
    assert "a &amp; b.png" in page
    assert page.count("<img ") == 5
    assert "<!--" not in page
    for picture in folder.glob("*.png"):
        drawn = np.asarray(Image.open(picture))
        assert drawn.shape[1] == 280  # 40 pixels, each seven wide, so that the legend has room
        assert drawn.shape[0] > 350


def test_an_explanation_replaces_an_earlier_one_and_nothing_else(
    fitted_fusion: AnomalyDetector, tmp_path: Path
) -> None:
    Image.fromarray(np.arange(900, dtype=np.uint8).reshape(30, 30)).save(tmp_path / "a.png")
    why, mine = tmp_path / "why", tmp_path / "mine"
    explain_image(fitted_fusion, tmp_path / "a.png", why)
    (why / "99.png").touch()  # as of a model of more layers
    explain_image(fitted_fusion, tmp_path / "a.png", why)
    assert not (why / "99.png").exists()
    mine.mkdir()
    for name in ("index.html", "notes.txt"):
        (mine / name).write_text("mine")
        with pytest.raises(InputError, match="no earlier explanation's"):
            explain_image(fitted_fusion, tmp_path / "a.png", mine)
        assert (mine / name).read_text() == "mine"


def test_a_killed_call_leaves_a_folder_that_the_next_one_takes(
    fitted_fusion: AnomalyDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of its files, and never with a page above other pictures than its own."""
    Image.fromarray(np.arange(900, dtype=np.uint8).reshape(30, 30)).save(tmp_path / "a.png")
    why, halves = tmp_path / "why", set()

    def call() -> None:
        explain_image(fitted_fusion, tmp_path / "a.png", why)

    for number in kills(call, monkeypatch):
        halves |= {path.name.split(".")[1] for path in why.glob(".*.part")}
        assert not (why / "index.html").exists()
        if number % 2:
            call()
            assert sorted(p.name for p in why.iterdir()) == [
                *(f"0{n}.png" for n in range(5)), "index.html", "tokens.csv",
            ]  # fmt: skip
    assert halves == {"tokens", "00", "01", "02", "03", "04", "index"}
    assert not list(why.glob(".*"))


def test_files_that_no_explanation_has_written_are_left_alone(
    fitted_fusion: AnomalyDetector, tmp_path: Path
) -> None:
    """By their names they could be; a link's target and a folder's content are nobody's but the user's."""
    Image.fromarray(np.arange(900, dtype=np.uint8).reshape(30, 30)).save(tmp_path / "a.png")
    why = tmp_path / "why"
    explain_image(fitted_fusion, tmp_path / "a.png", why)
    own = {path.name: path.read_bytes() for path in why.iterdir()}
    folder, link, half = why / "55.png", why / "07.png", why / ".01.png.deadbeef.part"
    half.mkdir()
    assert_refused(fitted_fusion, tmp_path / "a.png", why, half.name)
    half.rmdir()
    (folder / "sub").mkdir(parents=True)
    assert_refused(fitted_fusion, tmp_path / "a.png", why, folder.name)
    shutil.rmtree(folder)
    link.symlink_to(tmp_path / "a.png")
    assert_refused(fitted_fusion, tmp_path / "a.png", why, link.name)
    link.unlink()
    (why / ".tokens.csv").touch()
    assert_refused(fitted_fusion, tmp_path / "a.png", why, ".tokens.csv")
    (why / ".tokens.csv").unlink()
    assert {path.name: path.read_bytes() for path in why.iterdir()} == own
    (why / "tokens.csv").write_text("my own table\n")
    assert_refused(fitted_fusion, tmp_path / "a.png", why, "tokens.csv")
    assert (why / "tokens.csv").read_text() == "my own table\n"


def assert_refused(model: AnomalyDetector, image: Path, folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"(?s)no earlier explanation's.*{re.escape(name)}"):
        explain_image(model, image, folder)


def test_what_another_wrote_meanwhile_is_seen(
    fitted_fusion: AnomalyDetector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where both had looked at a new folder, and one of them was first."""
    Image.fromarray(np.arange(900, dtype=np.uint8).reshape(30, 30)).save(tmp_path / "a.png")
    (tmp_path / "new").mkdir()

    def explained(*arguments):
        (tmp_path / "new" / "scores.csv").write_text("of a prediction\n")
        return found(*arguments)

    found = explain.explained
    monkeypatch.setattr(explain, "explained", explained)
    assert_refused(fitted_fusion, tmp_path / "a.png", tmp_path / "new", "scores.csv")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["scores.csv"]


def test_the_table_has_the_columns_by_which_it_is_known() -> None:
    assert NearToken._fields == COLUMNS


def test_what_stands_for_no_one_picture_is_refused(fitted_fusion: AnomalyDetector, tmp_path: Path) -> None:
    nibabel.save(
        nibabel.Nifti1Image(np.random.default_rng(0).random((9, 9, 4)), np.eye(4)), tmp_path / "v.nii"
    )
    with pytest.raises(InputError, match=r"v\.nii: holds 4 slices"):
        explain_image(fitted_fusion, tmp_path / "v.nii", tmp_path / "why")
    assert explain_image(fitted_fusion, f"{tmp_path}/v.nii#slice=0001", tmp_path / "why").score > 0
    photo = np.zeros((20, 20, 3), np.uint8)
    photo[..., 0] = 200
    Image.fromarray(photo).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match="a photograph in colour"):
        explain_image(fitted_fusion, tmp_path / "photo.png", tmp_path / "why")


def test_other_methods_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not fitted"):
        explain_image(AnomalyDetector("patchcore"), tmp_path / "a.png", tmp_path / "why")
    other = small_model(write_overlay(tmp_path), "contrast", folds=0).fit(phantoms(2))
    with pytest.raises(InputError, match="only FusionMedCLIP"):
        explain_image(other, tmp_path / "a.png", tmp_path / "why")
