"""Clicks are in the CSV before they are answered, whatever happens next."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.lab.review.decisions import Decisions
from fusionmedclip.lab.writers.entries import read_entries


@pytest.fixture
def entries(prediction: Path) -> dict:
    return {entry.name: entry for entry in read_entries(prediction)}


def rows(folder: Path) -> dict[str, str]:
    with (folder / "review.csv").open(newline="") as handle:
        return {row["name"]: row["decision"] for row in csv.DictReader(handle)}


def test_each_click_is_a_line_at_once(prediction: Path, entries: dict) -> None:
    decisions = Decisions(prediction)
    decisions.decide(entries["volume"], "accept", threshold=0.55)
    table = pd.read_csv(prediction / "review.csv", dtype=str)
    assert table.loc[0, ["name", "file", "decision", "score", "flag", "threshold"]].tolist() == [
        "volume", "volume.png", "accept", "0.9", "true", "0.55",
    ]  # fmt: skip
    decisions.decide(entries["loud & <b>"], "reject")
    decisions.decide(entries["volume"], "reject")
    assert rows(prediction) == {"volume": "reject", "loud & <b>": "reject"} == decisions.current()


def test_undo_goes_back_click_by_click(prediction: Path, entries: dict) -> None:
    decisions = Decisions(prediction)
    for name, said in (("volume", "accept"), ("quiet", "reject"), ("volume", "reject")):
        decisions.decide(entries[name], said)
    assert decisions.undo() == "volume"
    assert rows(prediction) == {"volume": "accept", "quiet": "reject"}
    assert decisions.undo() == "quiet"
    assert rows(prediction) == {"volume": "accept"}
    decisions.close()
    again = Decisions(prediction)  # a later review
    assert again.current() == {"volume": "accept"}
    assert (again.undo(), again.undo()) == ("volume", None)
    assert rows(prediction) == {}


def test_lines_of_other_inputs_are_kept(prediction: Path, entries: dict) -> None:
    header = "name,file,decision,score,flag,threshold,decided_at\n"
    (prediction / "review.csv").write_text(f"{header}gone,gone.png,reject,0.5,,,2026-01-01T00:00:00+00:00\n")
    Decisions(prediction).decide(entries["quiet"], "accept")
    assert rows(prediction) == {"gone": "reject", "quiet": "accept"}


def test_a_review_of_names_with_line_ends_goes_on(prediction: Path, entries: dict) -> None:
    odd = [replace(entries[name], name=name, file=f"{name}\n\r.png") for name in ("volume", "quiet")]
    first = Decisions(prediction)
    for entry in odd:
        first.decide(entry, "accept")
    first.close()
    assert Decisions(prediction).current() == {"volume": "accept", "quiet": "accept"}


@pytest.mark.parametrize(
    "text",
    ["image,score\na,1\n", "name,file,decision,score,flag,threshold,decided_at\na,a,acc", "\0", "",
     "name,file,decision,score,flag,threshold,decided_at\n" + 2 * "a,a,accept,1,,,t\n",
     "name,file,decision,score,flag,threshold,decided_at\na,a,perhaps,1,,,t\n"],
)  # fmt: skip
def test_a_file_that_is_no_review_is_left_alone(prediction: Path, text: str) -> None:
    (prediction / "review.csv").write_text(text)
    with pytest.raises(InputError, match=r"review\.csv"):
        Decisions(prediction)
    assert (prediction / "review.csv").read_text() == text


def test_a_click_that_cannot_be_saved_has_not_happened(prediction: Path, entries: dict, monkeypatch) -> None:
    decisions = Decisions(prediction)
    decisions.decide(entries["quiet"], "accept")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for act in (lambda: decisions.decide(entries["volume"], "reject"), decisions.undo):
        with pytest.raises(OSError, match="No space"):
            act()
    monkeypatch.undo()
    assert decisions.current() == rows(prediction) == {"quiet": "accept"}
    assert decisions.undo() == "quiet"
    with pytest.raises(InputError, match="no such decision"):
        decisions.decide(entries["quiet"], "perhaps")


def test_two_windows_do_not_take_each_others_clicks_back_or_over(prediction: Path, entries: dict) -> None:
    decisions = Decisions(prediction, list(entries.values()))
    decisions.decide(entries["volume"], "accept", seen="", who="one")
    with pytest.raises(InputError, match=r"volume.png: decided elsewhere since[\s\S]*accept"):
        decisions.decide(entries["volume"], "reject", seen="", who="two")
    decisions.decide(entries["quiet"], "reject", seen="", who="two")
    assert decisions.undo("one") == "volume"
    assert rows(prediction) == {"quiet": "reject"}
    decisions.decide(entries["quiet"], "accept", seen="reject", who="one")
    with pytest.raises(InputError, match="quiet: decided elsewhere since"):
        decisions.undo("two")
    assert rows(prediction) == {"quiet": "accept"}


def test_what_another_program_wrote_is_taken_in(prediction: Path, entries: dict) -> None:
    decisions = Decisions(prediction, list(entries.values()))
    decisions.decide(entries["volume"], "accept")
    path = prediction / "review.csv"
    path.write_text(path.read_text().replace("accept", "reject"))
    decisions.decide(entries["quiet"], "accept")
    assert rows(prediction) == {"volume": "reject", "quiet": "accept"}
    path.write_text("name;file\n")  # and left damaged
    with pytest.raises(InputError, match="not a review's columns"):
        decisions.decide(entries["quiet"], "reject")
    assert path.read_text() == "name;file\n"
    path.unlink()  # a file that is gone was not emptied on purpose
    decisions.decide(entries["loud & <b>"], "reject")
    assert rows(prediction) == {"volume": "reject", "quiet": "accept", "loud & <b>": "reject"}


def test_a_decision_about_another_score_does_not_count(prediction: Path, entries: dict) -> None:
    decisions = Decisions(prediction, list(entries.values()))
    for name in entries:
        decisions.decide(entries[name], "accept")
    decisions.close()
    path = prediction / "review.csv"
    path.write_text(
        path.read_text().replace(",0.9,", ",0.8,").replace(",0.7,", ",0.70000001,")
    )  # a spreadsheet
    again = Decisions(prediction, list(entries.values()))
    assert again.current() == {"quiet": "accept", "loud & <b>": "accept"}
    assert again.outdated() == 1
    again.decide(entries["volume"], "reject", seen="")
    assert rows(prediction)["volume"] == again.current()["volume"] == "reject"


def test_two_reviews_of_one_folder_cannot_write_over_each_other(prediction: Path) -> None:
    first = Decisions(prediction)
    with pytest.raises(InputError, match="another review"):
        Decisions(prediction)
    first.close()
    Decisions(prediction)


def test_a_kill_in_the_middle_of_a_click_leaves_what_was_there(prediction: Path, entries: dict) -> None:
    decisions = Decisions(prediction, list(entries.values()))
    decisions.decide(entries["volume"], "accept")
    decisions.close()
    program = f"""
import os, signal
from pathlib import Path
from fusionmedclip.lab.review.decisions import Decisions
from fusionmedclip.lab.writers.entries import read_entries
entries = read_entries(Path({str(prediction)!r}))
decisions = Decisions(Path({str(prediction)!r}), entries)
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
decisions.decide(entries[-1], "reject")
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert rows(prediction) == {"volume": "accept"}
    again = Decisions(prediction, list(entries.values()))
    assert again.current() == {"volume": "accept"}
    assert [path.name for path in prediction.glob(".review*")] == [".review.lock"]


def test_what_was_answered_survives_a_kill(prediction: Path) -> None:
    """The command is killed without warning after some clicks; each that was answered is in the file."""
    command = [sys.executable, "-m", "fusionmedclip.cli", "review", str(prediction)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = next(line.strip() for line in process.stdout if line.startswith("http"))
            answered = {}
            for name, said in (("volume", "accept"), ("quiet", "reject"), ("volume", "reject")):
                body = json.dumps({"name": name, "decision": said}).encode()
                request = urllib.request.Request(
                    f"{address}decide", body, {"Content-Type": "application/json"}
                )
                answered = json.load(urllib.request.urlopen(request, timeout=120))["decisions"]
        finally:
            process.send_signal(signal.SIGKILL)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
    assert rows(prediction) == answered == {"volume": "reject", "quiet": "reject"}
    assert Decisions(prediction).current() == answered
