"""A prediction that is gone on with: what is there counts where it is this prediction's, and whole."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.lab import prediction
from fusionmedclip.lab.asked import Asked
from fusionmedclip.lab.drawn import writers_for
from fusionmedclip.lab.journal import Part
from fusionmedclip.lab.prediction import ALTERED, predict_files
from fusionmedclip.lab.requests import prediction_request
from tests.lab.models import phantoms, write_pngs
from tests.lab.predicted import files, predict


@pytest.mark.parametrize(
    "lost",
    ["overlays/03.png", "maps/05.nii.gz", "layers", "layers/thumbnails/01.jpg", "index.html", "scores.csv"],
)
def test_what_was_deleted_is_made_again(home: Path, whole: dict, tmp_path: Path, lost: str) -> None:
    predict(home, tmp_path)
    path = tmp_path / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    predict(home, tmp_path, resume=True)
    assert files(tmp_path) == whole


def test_what_was_altered_in_a_journal_is_scored_again(home: Path, whole: dict, tmp_path: Path) -> None:
    predict(home, tmp_path)
    journal = tmp_path / "parts" / "1-of-1.jsonl"
    lines = journal.read_text().splitlines()
    done = next(number for number, line in enumerate(lines) if '"skipped": []' in line)
    lines[done] = lines[done].replace('"score": ', '"score": 1')
    journal.write_text("\n".join([*lines, ""]))
    predict(home, tmp_path, resume=True)
    assert files(tmp_path) == whole


def test_what_goes_while_it_is_written_is_named(home: Path, whole: dict, tmp_path: Path) -> None:
    def meanwhile(done: int, total: int) -> None:
        if done == total:
            (tmp_path / "out/overlays/00.png").unlink()  # of the first batch

    with pytest.raises(InputError, match=r"00\.png: was written, and is not (.|\n)*--resume goes on"):
        predict(home, tmp_path / "out", progress=meanwhile)
    assert not (tmp_path / "out/scores.csv").exists()
    predict(home, tmp_path / "out", resume=True)
    assert files(tmp_path / "out") == whole


def test_another_program_goes_on_with_nothing(home: Path, tmp_path: Path, monkeypatch) -> None:
    predict(home, tmp_path)
    for name, other in (
        ("package_digest", lambda: "another commit's"),
        ("environment", lambda **_: {"packages": {"torch": "0.1"}, "python": "3.11.7"}),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(prediction, name, other)
            with pytest.raises(InputError, match=r"of another prediction(.|\n)*program and its packages"):
                predict(home, tmp_path, resume=True)


@pytest.mark.parametrize("where", [0, 1])
def test_a_bad_byte_makes_no_stranger_of_a_begun_prediction(
    home: Path, whole: dict, tmp_path: Path, where: int
) -> None:
    predict(home, tmp_path)
    (tmp_path / "prediction.json").unlink()
    journal = tmp_path / "parts/1-of-1.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[where] = lines[where].replace(b'"', b"\xff", 1)
    journal.write_bytes(b"".join(lines))
    predict(home, tmp_path, resume=bool(where))
    assert files(tmp_path) == whole


def test_nothing_goes_on_that_has_not_begun(home: Path, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "nowhere" / "deep")
    with pytest.raises(InputError) as caught:
        predict(home, tmp_path / "out")
    assert "--resume" not in str(caught.value)


def test_a_journal_that_loses_lines_while_it_is_written_is_no_end(
    home: Path, whole: dict, tmp_path: Path
) -> None:
    def meanwhile(done: int, total: int) -> None:
        if done == total:
            os.truncate(tmp_path / "parts/1-of-1.jsonl", 0)

    with pytest.raises(
        InputError, match=r"1-of-1\.jsonl: does not hold what was written(.|\n)*--resume goes on"
    ):
        predict(home, tmp_path, progress=meanwhile)
    predict(home, tmp_path, resume=True)
    assert files(tmp_path) == whole


def test_what_another_part_lacks_is_told_of_that_part(home: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        predict(home, tmp_path, part=Part(number, 3))
    (tmp_path / "overlays/00.png").unlink()
    with pytest.raises(InputError, match=r"00\.png: was written, and is not there(.|\n)*Hint: of part 1/3\n"):
        predict(home, tmp_path, part=Part(3, 3))
    predict(home, tmp_path, part=Part(1, 3), resume=True)
    assert (tmp_path / "overlays/00.png").is_file()


def _changed(path: Path) -> None:
    path.write_bytes(path.with_name("03.png").read_bytes())


def _looped(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path)


@pytest.mark.parametrize("alter", [_changed, Path.unlink, _looped], ids=["changed", "removed", "looped"])
@pytest.mark.parametrize("out", ["out", "out.csv"])
def test_an_input_that_does_not_stay_as_it_was_is_skipped(
    home: Path, tmp_path: Path, monkeypatch, alter: Callable[[Path], None], out: str
) -> None:
    """It has been read: nobody can say whether its score is of what lies there now."""
    scans, real = tmp_path / "scans", prediction.score_groups
    write_pngs(scans, phantoms(4, first=10))

    def meanwhile(*given, **more):
        for result in real(*given, **more):
            alter(scans / "02.png")
            yield result

    monkeypatch.setattr(prediction, "score_groups", meanwhile)
    request = prediction_request(home / "model", [scans], tmp_path / out, asked=Asked())
    done = predict_files(request, writers=writers_for if out == "out" else None)
    assert [tuple(lost) for lost in done.skipped] == [(str(scans / "02.png"), ALTERED)]
    assert [Path(row["file"]).name for row in done.rows] == ["00.png", "01.png", "03.png"]
    assert not (tmp_path / "out/overlays/02.png").exists()


def test_other_images_of_the_same_names_and_sizes_are_not_gone_on_with(home: Path, tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_pngs(scans, phantoms(2))
    predict_files(prediction_request(home / "model", [scans], out, asked=Asked()))
    stamp = (scans / "00.png").stat()
    os.utime(scans / "00.png", ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    with pytest.raises(InputError, match="of another prediction"):
        predict_files(prediction_request(home / "model", [scans], out, asked=Asked(resume=True)))
    scans.rename(tmp_path / "others")
    with pytest.raises(InputError, match="of another prediction"):
        predict_files(
            prediction_request(home / "model", [tmp_path / "others"], out, asked=Asked(resume=True))
        )


def test_what_was_not_drawn_is_not_gone_on_with_as_if_it_were(home: Path, tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_pngs(scans, phantoms(2))
    predict_files(prediction_request(home / "model", [scans], out, asked=Asked()))
    request = prediction_request(home / "model", [scans], out, asked=Asked(resume=True))
    with pytest.raises(InputError, match="of another prediction than this one"):
        predict_files(request, writers=writers_for)
