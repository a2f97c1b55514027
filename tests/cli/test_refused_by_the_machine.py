"""With too few rights or too little memory: one message, nothing half written, and a restart completes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from fusionmedclip.cli import app
from tests.lab.models import phantoms, small_model, write_overlay, write_pngs
from tests.ordinary_user import short_of_memory, without_rights

FIT = ("fit", "normal", "--config", "overlay.yaml", "--method", "my_mean_brightness", "--out", "model")
PREDICT = ("predict", "saved", "scans", "--scores-only", "--out", "found")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Normals, scans, an overlay and a saved model."""
    folder = tmp_path_factory.mktemp("refused")
    normals = write_pngs(folder / "normal", phantoms(4))
    write_pngs(folder / "scans", phantoms(3, lesion=True, first=20))
    small_model(write_overlay(folder)).fit(normals).save(folder / "saved")
    return folder


@pytest.fixture
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    copy = shutil.copytree(home, tmp_path / "place")
    monkeypatch.chdir(copy)
    yield copy
    for path in sorted(tmp_path.rglob("*")):
        path.chmod(0o755)


def run(*arguments: object):
    """A command of an ordinary user."""
    with without_rights():
        return CliRunner().invoke(app, list(map(str, arguments)))


def says(done, *words: str, status: int) -> None:
    """One message with what, where and a hint."""
    text = " ".join(done.output.split())
    assert done.exit_code == status, text
    assert "Traceback" not in text
    for word in (*words, "Hint: "):
        assert word in text, text


def rows(folder: Path) -> int:
    return len((folder / "scores.csv").read_text().splitlines()) - 1


def test_rights_are_given_up_in_these_tests(tmp_path: Path) -> None:
    (tmp_path / "shut").touch(mode=0)
    with without_rights(), pytest.raises(PermissionError):
        (tmp_path / "shut").open()


def test_a_picture_that_may_not_be_read(place: Path) -> None:
    for name in ("normal/01.png", "scans/01.png"):
        (place / name).chmod(0)
    refused = run(*FIT)
    says(refused, "normal/01.png: cannot be read as file (Permission denied); Hint: its rights", status=2)
    assert not (place / "model").exists()
    says(run(*PREDICT), "skipped 1: scans/01.png: cannot be read as file (Permission denied)", status=3)
    assert rows(place / "found") == 2
    for name in ("normal/01.png", "scans/01.png"):
        (place / name).chmod(0o644)
    assert run(*FIT).exit_code == 0
    assert run(*PREDICT).exit_code == 0
    assert rows(place / "found") == 3


@pytest.mark.parametrize(
    ("closed", "rights", "words"),
    [
        ("scans", 0o444, "00.png: cannot be looked at (Permission denied)"),
        ("saved/weights.safetensors", 0, "saved/weights.safetensors: cannot be read as"),
        ("saved/model.json", 0, "saved/model.json: cannot be read as"),
        ("saved", 0o444, "saved: cannot be read as saved model (Permission denied)"),
    ],
)
def test_what_is_read_and_closed_is_named(place: Path, closed: str, rights: int, words: str) -> None:
    (place / closed).chmod(rights)
    done = run(*PREDICT)
    says(done, words, "its rights", status=done.exit_code)
    assert done.exit_code in (1, 2)
    assert not (place / "found").exists()
    (place / closed).chmod(0o755)
    assert run(*PREDICT).exit_code == 0


def test_a_closed_folder_among_others_is_skipped_with_its_reason(place: Path) -> None:
    shutil.copytree(place / "scans", place / "scans/listed")
    shutil.copytree(place / "normal", place / "scans/closed")
    (place / "scans/listed").chmod(0o444)
    (place / "scans/closed").chmod(0)
    done = run(*PREDICT)
    says(done, "scans/closed: a folder that cannot be listed (Permission denied)", status=3)
    says(done, "scans/listed/02.png: cannot be looked at (Permission denied)", status=3)
    assert rows(place / "found") == 3


@pytest.mark.parametrize("asked", [FIT[:-1], PREDICT[:-1]], ids=["fit", "predict"])
def test_a_folder_that_may_only_be_read(place: Path, asked: tuple[str, ...]) -> None:
    shut = place / "shut"
    shut.mkdir(mode=0o555)
    for out in ("shut/new", "shut"):
        says(run(*asked, out), f"{out}: nothing can be written there (Permission denied)", status=2)
    assert not list(shut.iterdir())


def test_a_prediction_whose_folder_is_closed_meanwhile_goes_on_where_it_stopped(place: Path) -> None:
    assert run(*PREDICT).exit_code == 0
    whole = (place / "found/scores.csv").read_bytes()
    (place / "found/scores.csv").unlink()
    (place / "found").chmod(0o555)
    says(run(*PREDICT, "--resume"), "found", "Permission denied", status=2)
    assert not (place / "found/scores.csv").exists()
    (place / "found").chmod(0o755)
    assert run(*PREDICT, "--resume").exit_code == 0
    assert (place / "found/scores.csv").read_bytes() == whole


@pytest.mark.slow
@pytest.mark.long
def test_a_prediction_short_of_memory_stops_with_words_and_resumes(place: Path, root: Path) -> None:
    large = Image.new("L", (5000, 5000))
    large.paste(180, (500, 900, 3000, 4000))
    large.save(place / "scans/99.png")  # 100 MB as float32, and several times that on its way to a map
    done = short_of_memory(*PREDICT, more=120 << 20, folder=place, root=root)
    text = " ".join((done.stdout + done.stderr).split())
    assert "it asks for more memory than there is" in text, text
    assert "Hint: end other programs, or allow more memory" in text
    assert "Traceback" not in text
    assert done.returncode in (2, 3)  # where it ran out: of all, or of one file, which was skipped
    assert not list(place.rglob(".*.part"))
    assert run(*PREDICT, "--resume").exit_code == 0
    assert run(*PREDICT[:-1], "whole").exit_code == 0
    for name in ("scores.csv", "scores.json", "skipped.csv"):
        assert (place / "found" / name).read_bytes() == (place / "whole" / name).read_bytes()
