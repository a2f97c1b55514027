"""Two predictions into one folder, two fits into one, what a killed one left: nothing mixed, nothing half."""

import errno
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.lab import AnomalyDetector, detector
from fusionmedclip.lab.asked import Asked
from fusionmedclip.lab.journal import Part
from fusionmedclip.lab.prediction import predict_files
from fusionmedclip.lab.requests import prediction_request
from tests.lab.predicted import files, predict
from tests.ordinary_user import without_rights


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_prediction_into_a_folder_that_is_written_is_refused(
    home: Path, whole: dict, tmp_path: Path, resume: bool
) -> None:
    refused = []

    def meanwhile(*_: int) -> None:
        for words, asked in (
            ()
            if refused
            else (
                ("the same prediction is being written there", {}),
                ("another prediction is being written there", {"batch_size": 3}),
                ("another prediction is being written there", {"batch_size": 3, "part": Part(2, 2)}),
            )
        ):
            with pytest.raises(InputError, match=words) as caught:
                predict(home, tmp_path, resume=resume, **asked)
            assert "wait until it has ended" in str(caught.value)
            refused.append(words)

    predict(home, tmp_path, progress=meanwhile)
    assert len(refused) == 3
    assert files(tmp_path) == whole
    assert predict(home, tmp_path, batch_size=3).replaced  # nobody writes there any more


def test_what_another_command_wrote_meanwhile_is_seen(home: Path, tmp_path: Path, monkeypatch) -> None:
    """Where both had looked at a new folder, and the other was first."""
    out, load = tmp_path / "new", AnomalyDetector.load

    def loaded(*arguments, **options):
        out.mkdir()
        (out / "tokens.csv").write_text("of an explanation")
        return load(*arguments, **options)

    monkeypatch.setattr(AnomalyDetector, "load", loaded)
    with pytest.raises(InputError, match=r"(?s)no earlier prediction's.*tokens\.csv"):
        predict(home, out)
    assert files(out) == {"tokens.csv": b"of an explanation"}


def test_a_table_alone_is_written_by_one_after_another(home: Path, tmp_path: Path) -> None:
    for name in (".a.csv.0a1b2c3d.part", ".b.csv.0a1b2c3d.part"):
        (tmp_path / name).touch()
    predict(home, tmp_path / "a.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b.csv.0a1b2c3d.part", "a.csv"]


def test_parts_of_one_prediction_may_be_written_at_once(home: Path, whole: dict, tmp_path: Path) -> None:
    done = []

    def meanwhile(*_: int) -> None:
        if not done:
            done.append(predict(home, tmp_path, part=Part(2, 2)))

    first = predict(home, tmp_path, part=Part(1, 2), progress=meanwhile)
    assert not done[0].complete
    assert first.complete
    made = files(tmp_path)
    for name in ("scores.csv", "scores.json", "skipped.csv", "index.html", "overlays/03.png"):
        assert made[name] == whole[name]


def test_what_a_killed_prediction_left_goes_with_the_next_and_a_reviews_stays(
    home: Path, whole: dict, tmp_path: Path
) -> None:
    predict(home, tmp_path)
    torn = [tmp_path / name for name in ("overlays/.00.png.0a1b2c3d.part", ".scores.csv.0a1b2c3d.part")]
    review = tmp_path / ".review.csv.0a1b2c3d.part"  # of a review that writes at this moment
    for path in (*torn, review):
        path.write_bytes(b"half")
    predict(home, tmp_path, resume=True)
    assert not [path for path in torn if path.exists()]
    assert review.read_bytes() == b"half"
    review.unlink()
    assert files(tmp_path) == whole


def test_two_that_save_into_one_folder_leave_the_model_of_one(
    home: Path, tmp_path: Path, monkeypatch
) -> None:
    models = [AnomalyDetector.load(home / "model") for _ in range(3)]
    inside, most, lock = [], [], threading.Lock()
    write = detector.write_model

    def counted(*given, **more):
        with lock:
            inside.append(1)
            most.append(len(inside))
        time.sleep(0.05)
        try:
            return write(*given, **more)
        finally:
            with lock:
                inside.pop()

    monkeypatch.setattr(detector, "write_model", counted)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda model: model.save(tmp_path / "model"), models))
    assert most == [1, 1, 1]
    assert AnomalyDetector.load(tmp_path / "model").digest_ == models[0].digest_


@pytest.mark.parametrize("removed", [True, False])
def test_a_folder_that_goes_while_it_is_written_is_no_finished_prediction(
    home: Path, tmp_path: Path, removed: bool
) -> None:
    out, gone = tmp_path / "out", []

    def meanwhile(*_: int) -> None:
        if not gone:
            gone.append(out.rename(tmp_path / "elsewhere"))
            if removed:
                shutil.rmtree(tmp_path / "elsewhere")

    with pytest.raises(InputError, match=r"1-of-1.jsonl: removed or renamed .* not whole"):
        predict(home, out, progress=meanwhile)


def test_it_is_named_where_a_picture_was_half_written_as_well(home: Path, tmp_path: Path) -> None:
    class Late:
        def write(self, scored, folder: Path) -> None:
            folder.rename(tmp_path / "elsewhere")
            (folder / "overlays/00.png").write_bytes(b"")

    request = prediction_request(home / "model", [home / "in"], tmp_path / "out", asked=Asked())
    with pytest.raises(InputError, match=r"1-of-1.jsonl: removed or renamed .* not whole"):
        predict_files(request, writers=lambda _: [Late()])


def test_what_stops_it_in_the_middle_says_how_it_goes_on(home: Path, whole: dict, tmp_path: Path) -> None:
    """As a DICOM file does that goes after it was scored: the object that points at it cannot be written."""

    class Late:
        def write(self, scored, folder: Path) -> None:
            raise InputError("03.dcm: no such file", hint="look for it")

    request = prediction_request(home / "model", [home / "in"], tmp_path / "out", asked=Asked())
    with pytest.raises(InputError, match=r"(?s)^03.dcm: no such file.*look for it.*--resume goes on$"):
        predict_files(request, writers=lambda _: [Late()])
    predict(home, tmp_path / "out", resume=True)
    assert files(tmp_path / "out") == whole


def test_a_journal_is_whole_or_as_it_was(home: Path, whole: dict, tmp_path: Path, monkeypatch) -> None:
    """A disk that is full as a prediction is resumed costs nothing of what was done."""
    predict(home, tmp_path)
    journal = tmp_path / "parts/1-of-1.jsonl"
    before = journal.read_bytes()
    text = Path.write_text

    def full(path: Path, *written, **more) -> int:
        if ".jsonl" in path.name:
            text(path, "", encoding="utf-8")
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return text(path, *written, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(InputError, match=r"stopped \(.*1-of-1.jsonl.*: No space left on device\)"):
            predict(home, tmp_path, resume=True)
    assert journal.read_bytes() == before
    predict(home, tmp_path, resume=True)
    assert files(tmp_path) == whole


@pytest.mark.parametrize("left", ["", ".1-of-1.jsonl.00112233.part", "1-of-1.jsonl"])
def test_a_folder_whose_first_journal_found_no_room_is_taken(home: Path, tmp_path: Path, left: str) -> None:
    (tmp_path / "parts").mkdir()
    if left:
        (tmp_path / "parts" / left).touch()
    assert predict(home, tmp_path).complete
    assert not list(tmp_path.glob("parts/.*"))


@pytest.mark.parametrize(
    ("name", "text"), [("1-of-1.jsonl", "[]\n"), ("download.part", "half of a film"), ("notes.txt", "")]
)
def test_parts_that_hold_anything_else_are_another_programs(
    home: Path, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / name).write_text(text)
    with pytest.raises(InputError, match="no earlier prediction's"):
        predict(home, tmp_path)
    assert (tmp_path / "parts" / name).read_text() == text


def test_journals_that_may_not_be_read_are_named_and_not_called_strangers(home: Path, tmp_path: Path) -> None:
    predict(home, tmp_path, part=Part(1, 2))
    (tmp_path / "parts").chmod(0)
    with without_rights(), pytest.raises(InputError, match=r"parts: Permission denied\n  Hint: its rights"):
        predict(home, tmp_path, part=Part(2, 2))
    (tmp_path / "parts").chmod(0o555)
    with (
        without_rights(),
        pytest.raises(InputError, match=r"stopped \(.*2-of-2.jsonl.*: Permission denied\)"),
    ):
        predict(home, tmp_path, part=Part(2, 2))
    (tmp_path / "parts").chmod(0o755)
    (tmp_path / "parts/1-of-2.jsonl").chmod(0o444)  # of another user: read to see who writes, not written
    with without_rights():
        assert predict(home, tmp_path, part=Part(2, 2)).complete
