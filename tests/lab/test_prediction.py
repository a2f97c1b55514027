"""The command over folders: the rest is done, parts make the whole, a crash loses nothing."""

import csv
import json
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from fusionmedclip.cli import app
from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector, prediction, score_inputs
from fusionmedclip.lab.asked import Asked
from fusionmedclip.lab.drawn import writers_for
from fusionmedclip.lab.journal import Part
from fusionmedclip.lab.prediction import predict_files
from fusionmedclip.lab.requests import prediction_request
from fusionmedclip.lab.summary import summary_lines
from tests.lab.dicoms import write_series
from tests.lab.models import phantoms, small_model, write_overlay, write_pngs


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``model`` (PatchCore) and ``in``: seven pictures, a volume, a series, and four files that are none."""
    folder = tmp_path_factory.mktemp("prediction")
    small_model(write_overlay(folder), "patchcore").fit(phantoms(4)).save(folder / "model")
    write_pngs(folder / "in", phantoms(4, first=10))
    write_pngs(folder / "in" / "deep", phantoms(3, lesion=True, first=20)[:, :50])
    volume = phantoms(5, first=30).transpose(2, 1, 0)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "in" / "brain.nii.gz")
    write_series(folder / "in" / "ct", [0, 3, 6])
    whole = (folder / "in" / "00.png").read_bytes()
    (folder / "in" / "01b.png").write_bytes(whole[: len(whole) // 2])
    (folder / "in" / "Thumbs.db").write_bytes(b"x")
    (folder / "in" / "DICOMDIR").write_bytes(b"x")
    (folder / "in" / "notes.txt").write_text("x")
    return folder


def predict(home: Path, out: Path, **asked):
    return predict_files(prediction_request(home / "model", [home / "in"], out, asked=Asked(**asked)))


def tables(out: Path) -> dict[str, bytes]:
    names = ("scores.csv", "scores.json", "skipped.csv", "prediction.json")
    return {name: (out / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def whole(home: Path) -> dict[str, bytes]:
    done = predict(home, home / "whole")
    assert done.complete
    return tables(home / "whole")


def test_what_can_be_scored_is_and_the_rest_has_reasons(home: Path, whole: dict) -> None:
    table = pd.read_csv(home / "whole" / "scores.csv", keep_default_na=False)
    rows = table[table["slice"] == ""]
    names = [
        "00.png",
        "01.png",
        "02.png",
        "03.png",
        "brain.nii.gz",
        "ct",
        *[f"deep/0{n}.png" for n in range(3)],
    ]
    assert rows["file"].tolist() == [str(home / "in" / name) for name in names]
    model = AnomalyDetector.load(home / "model")
    assert set(table["model"]) == {model.digest_}
    assert set(table["rests_on"]) == {"tiny CLIP"}
    pictures = [home / "in" / name for name in names if name.endswith("png")]
    expected = model.score_samples(pictures)
    found = rows.set_index("file")["score"].astype(float).loc[list(map(str, pictures))]
    np.testing.assert_array_equal(found, expected)
    support = np.array(model.record_["left_out"]["pictures"]["scores"])
    for row in rows[rows["file"].str.endswith("png")].to_dict("records"):
        below = 100 * np.mean(support < float(row["score"]))
        assert float(row["percentile"]) == pytest.approx(below, abs=0.005)
        threshold = model.record_["left_out"]["pictures"]["threshold"]
        assert row["flag"] == str(float(row["score"]) >= threshold).lower()
    skipped = pd.read_csv(home / "whole" / "skipped.csv")
    assert sorted(Path(file).name for file in skipped["file"]) == [
        "01b.png", "DICOMDIR", "Thumbs.db", "notes.txt",
    ]  # fmt: skip
    told = json.loads((home / "whole" / "prediction.json").read_text())
    assert (told["scored"], told["skipped"], told["settings"]["rule"]) == (9, 4, "max")
    assert told["notice"].startswith("Not a medical device")


def test_volumes_have_a_line_a_slice_and_a_score_by_the_rule(home: Path, whole: dict) -> None:
    table = pd.read_csv(home / "whole" / "scores.csv", keep_default_na=False)
    brain = table[table["file"] == str(home / "in" / "brain.nii.gz")]
    assert brain["slice"].tolist() == ["", *[f"slice=000{n}" for n in range(5)]]
    slices = brain["score"].to_numpy()[1:].astype(float)
    names = [f"{home}/in/brain.nii.gz#slice=000{n}" for n in range(5)]
    np.testing.assert_array_equal(slices, AnomalyDetector.load(home / "model").score_samples(names))
    assert float(brain["score"].iloc[0]) == slices.max()
    assert brain["percentile"].iloc[0] == ""  # the support set holds no volume to compare it with
    assert brain["percentile"].iloc[1] != ""
    predict(home, home / "mean", rule="mean")
    other = pd.read_csv(home / "mean" / "scores.csv", keep_default_na=False)
    volume = other[(other["file"] == str(home / "in" / "brain.nii.gz")) & (other["slice"] == "")]
    assert float(volume["score"].iloc[0]) == pytest.approx(slices.mean())


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("count", [2, 3])
def test_parts_make_the_whole_to_the_byte(
    count: int, workers: int, home: Path, whole: dict, tmp_path
) -> None:
    for number in reversed(range(1, count + 1)):
        done = predict(home, tmp_path, part=Part(number, count), workers=workers)
        assert done.complete == (number == 1)
        assert (tmp_path / "scores.csv").exists() == done.complete
    assert tables(tmp_path) == whole


def test_a_run_that_was_stopped_goes_on(home: Path, whole: dict, tmp_path: Path, monkeypatch) -> None:
    real, seen = prediction.score_groups, []

    def stopping(model, groups, **more):
        for number, result in enumerate(real(model, groups, **more)):
            if number == 2:
                raise KeyboardInterrupt
            yield result

    def counting(model, groups, **more):
        seen.append(len(groups))
        return real(model, groups, **more)

    monkeypatch.setattr(prediction, "score_groups", stopping)
    with pytest.raises(KeyboardInterrupt):
        predict(home, tmp_path)
    assert not (tmp_path / "scores.csv").exists()
    journal = tmp_path / "parts" / "1-of-1.jsonl"
    foreign = '{"group": 0}\n[]\n{"key": "of another"}\n'
    journal.write_text(f'{journal.read_text()}{foreign}{{"group": 3, "inp')  # as a crash may leave it
    monkeypatch.setattr(prediction, "score_groups", counting)
    predict(home, tmp_path, resume=True)
    assert tables(tmp_path) == whole
    predict(home, tmp_path, resume=True)
    assert tables(tmp_path) == whole
    assert 0 < seen[0] < 4
    assert seen[1] == 1  # of a file that was skipped: what was wrong may be mended
    with pytest.raises(InputError, match="of another prediction"):
        predict(home, tmp_path, resume=True, rule="mean")


def test_flags_and_notes_are_counted_alike_everywhere(home: Path, whole: dict) -> None:
    rows = json.loads(whole["scores.json"])["inputs"]
    told = json.loads((home / "whole" / "prediction.json").read_text())
    flags = [row["flag"] for row in rows]
    by_slices = [
        row["name"] for row in rows if row["flag"] is None and any(one["flag"] for one in row["slices"])
    ]
    assert by_slices == ["brain", "ct"]  # the support set holds no volume
    assert (told["flagged"], told["flagged_by_slices"]) == (flags.count(True), 2)
    assert f"{flags.count(True)} flagged, 2 volumes with flagged slices" in list(summary_lines(rows))


def test_notes_and_names_like_formulas_in_the_table(home: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((64, 64), 9, np.uint8)).save("=1+1.png")
    Path("@x.txt").write_text("none")
    done = predict_files(prediction_request(home / "model", [Path("=1+1.png")], Path("out"), asked=Asked()))
    (row,) = csv.DictReader(Path("out/scores.csv").read_text().splitlines())
    assert row["file"] == "./=1+1.png"
    assert Path(row["file"]).is_file()
    assert row["notes"].startswith("blank: ")
    assert done.rows[0]["name"] == "1+1"
    assert [line for line in summary_lines(done.rows) if line.startswith("note: =1+1.png: blank")]
    assert done.prediction["noted"] == 1


def test_an_image_of_the_support_set_is_noted(home: Path, tmp_path: Path) -> None:
    files = write_pngs(tmp_path / "n", phantoms(3))
    model = small_model(home / "overlay.yaml", "contrast").fit(files[:2])
    found = {one.name: one.notes for one in score_inputs(model, [tmp_path / "n"])}
    assert found["02"] == ()
    assert found["00"] == found["01"] != ()
    assert "fitted on" in found["00"][0]
    with pytest.warns(UserWarning, match=r"00\.png and 1 more: an image that the model was fitted on"):
        model.score_samples(tmp_path / "n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict([files[2]])
        model.predict(phantoms(1))


def test_another_prediction_leaves_nothing_of_the_earlier_one(home: Path, tmp_path: Path) -> None:
    def files() -> set[str]:
        kept = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
        return {name for name in kept if "brain" in name or "ct" in name}

    def run(*names: str, **asked) -> bool:
        inputs = [home / "in" / name for name in names]
        request = prediction_request(home / "model", inputs, tmp_path, asked=Asked(**asked))
        return predict_files(request, writers=writers_for).replaced

    assert not run("00.png", "brain.nii.gz", "ct")
    (tmp_path / "review.csv").write_text("mine")
    assert {"overlays/brain/0004.png", "maps/ct.nii.gz", "layers/records/brain.json"} <= files()
    assert run("00.png", "ct", part=Part(1, 2))
    assert not {name for name in files() if "brain" in name}
    assert not (tmp_path / "index.html").exists()  # it named what is no longer there
    assert not run("00.png", "ct", part=Part(2, 2))
    assert {"overlays/ct/0002.png", "maps/ct.nii.gz"} <= files()  # the other part's are this prediction's
    assert (tmp_path / "overlays" / "00.png").is_file()
    assert (tmp_path / "review.csv").read_text() == "mine"


def test_scores_alone_are_the_same_table(home: Path, whole: dict, tmp_path: Path) -> None:
    predict(home, tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_bytes() == whole["scores.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]
    with pytest.raises(InputError, match="need a folder"):
        predict(home, tmp_path / "s.csv", resume=True)


def test_other_batches_give_other_digits_at_most(home: Path, whole: dict, tmp_path: Path) -> None:
    predict(home, tmp_path, batch_size=3)
    ours, theirs = (pd.read_csv(folder / "scores.csv") for folder in (tmp_path, home / "whole"))
    np.testing.assert_allclose(ours["score"], theirs["score"], rtol=1e-4)


def test_the_command_has_an_exit_status_of_its_own(home: Path, tmp_path: Path) -> None:
    def run(*words: object):
        return CliRunner().invoke(app, list(map(str, words)))

    done = run("predict", home / "model", home / "in", "--out", tmp_path / "p", "--scores-only")
    assert done.exit_code == 3
    assert "scored 9 inputs" in done.output
    assert "rests on tiny CLIP" in done.output
    assert "01b.png: cannot be read as image" in done.output
    clean = run("predict", home / "model", home / "in" / "deep", "--out", tmp_path / "q")
    assert clean.exit_code == 0, clean.output
    assert (tmp_path / "q" / "index.html").is_file()
    assert (tmp_path / "q" / "overlays" / "00.png").is_file()
    assert run("predict", home / "model", home / "in", "--out", home / "in" / "p").exit_code == 2
    assert (
        run("predict", home / "model", home / "in", "--out", tmp_path / "r", "--part", "3/2").exit_code == 2
    )
    assert not (tmp_path / "r").exists()


def test_inputs_are_scored_from_python(home: Path) -> None:
    model = AnomalyDetector.load(home / "model")
    skipped: list = []
    found = list(score_inputs(model, [home / "in"], skipped=skipped))
    assert len(found) == 9
    assert len(skipped) == 4
    for scored in found:
        assert scored.maps is not None
        assert scored.maps.shape == scored.pixels.shape == (len(scored.slices), *scored.pixels.shape[1:])
        assert scored.score == scored.scores.max()
    with pytest.raises(InputError, match=r"notes.txt|01b.png|Thumbs.db|DICOMDIR"):
        list(score_inputs(model, [home / "in"]))


@pytest.mark.parametrize("inside", ["dicom", "maps", "overlays"])
def test_no_input_lies_where_outputs_are_removed(home: Path, tmp_path: Path, inside: str) -> None:
    """A folder of scans may well be called so, and ``--out .`` is soon typed."""
    scan = tmp_path / inside / "00.png"
    scan.parent.mkdir()
    scan.write_bytes((home / "in" / "00.png").read_bytes())
    before = scan.read_bytes()
    with pytest.raises(InputError, match="among what is read"):
        predict_files(prediction_request(home / "model", [tmp_path / inside], tmp_path, asked=Asked()))
    with pytest.raises(InputError, match="no earlier prediction's"):  # scans that are not even asked about
        predict_files(prediction_request(home / "model", [home / "in"], tmp_path, asked=Asked()))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [scan]
    assert scan.read_bytes() == before


def test_a_part_with_other_inputs_undoes_no_other_part(home: Path, tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_pngs(scans, phantoms(9))
    predict_files(prediction_request(home / "model", [scans], out, asked=Asked(part=Part(1, 2))))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (scans / "new.png").write_bytes((scans / "00.png").read_bytes())
    request = prediction_request(home / "model", [scans], out, asked=Asked(part=Part(2, 2)))
    with pytest.raises(InputError, match="holds parts of another prediction that is not finished"):
        predict_files(request)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
