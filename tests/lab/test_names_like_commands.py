"""Names that a shell, a template or a spreadsheet would run are names, from a folder to every table."""

import csv
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from fusionmedclip.cli import app
from tests.lab.models import phantoms, write_overlay, write_pngs

NAMES = (
    "; touch PWNED", "$(touch PWNED)", "`touch PWNED`", "a\ntouch PWNED\n", "it's", 'say "x"', "-rf", "--out",
    "{x}", "{{x}}", "%s%n", "a b", "&& touch PWNED", "| touch PWNED", "*", "~", "!x", "\\x", "#slice=1", "é",
    "<script>touch PWNED<script>", "\x1b[2J\x07",
)  # fmt: skip
"""As stems of pictures. A slash and NUL alone cannot be part of a name."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``normal`` and ``scans``, each with one picture of every name, the first in a folder of such a name."""
    drawn = write_pngs(tmp_path / "drawn", phantoms(len(NAMES) + 1))
    for folder in ("normal", "scans"):
        for path, name in zip(drawn, NAMES, strict=False):
            (tmp_path / folder).mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / folder / f"{name}.png")
        deep = tmp_path / folder / "$(touch PWNED) {y}"
        deep.mkdir()
        shutil.copy(drawn[-1], deep / "00.png")
    write_overlay(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str):
    done = CliRunner().invoke(app, list(arguments), color=True)  # else what colours a terminal is taken out
    assert "Traceback" not in done.output
    return done


def test_names_like_commands_are_names(place: Path) -> None:
    fit = (
        "--config",
        "overlay.yaml",
        "--method",
        "my_patchcore",
        "--folds",
        "0",
        "--out",
        "$(touch PWNED) model",
    )
    assert run("fit", "normal", *fit).exit_code == 0
    done = run("predict", "$(touch PWNED) model", "scans", "--out", "; touch PWNED")
    assert done.exit_code == 0, done.output
    out = place / "; touch PWNED"
    scored = pd.read_csv(out / "scores.csv")["file"]
    given = {str(path.relative_to(place)) for path in (place / "scans").rglob("*.png")}
    assert set(scored) == given
    assert len(given) == len(NAMES) + 1
    made = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    strange = [name for name in made if set(name) & set("\x1b\n;$`'\"{}|&<>*~!\\# ")]
    assert strange == []  # what is made has names that are safe anywhere
    assert "<script>touch" not in (out / "index.html").read_text()
    assert not list(place.rglob("PWNED"))


def test_a_carriage_return_ends_no_row(place: Path) -> None:
    """Nor does any name steer the terminal that it is printed on."""
    shutil.copy(place / "scans" / "-rf.png", place / "scans" / "cr\r.png")
    (place / "scans" / "lost\r\x1b[2J\n.png").touch()
    fit = ("--config", "overlay.yaml", "--method", "my_mean_brightness", "--folds", "0", "--out", "model")
    assert run("fit", "normal", *fit).exit_code == 0
    refused = run("fit", "scans", *fit[:-1], "none").output.splitlines()
    assert sum(r"- scans/lost\r\x1b[2J\n.png: empty file" in line for line in refused) == 1
    done = run("predict", "model", "scans", "--out", "p", "--scores-only")
    assert done.exit_code == 3, done.output
    (said,) = [line for line in done.output.splitlines() if "lost" in line]
    assert r"scans/lost\r\x1b[2J\n.png: empty file" in said
    assert "\x1b[2J" not in done.output
    assert "scans/cr\r.png" in set(pd.read_csv(place / "p/scores.csv")["file"])
    with (place / "p/skipped.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["file"] == "scans/lost\r\x1b[2J\n.png"
    assert row["reason"].startswith("empty file (0 bytes)")


def test_no_list_of_a_data_set_steers_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of classes, of masks without an image and of one identifier twice."""
    monkeypatch.chdir(tmp_path)
    for folder in ("no\x1b[2J", "ab"):
        write_pngs(tmp_path / "set" / folder, phantoms(2))
    for name in (
        "e\u0301\x1b[31m.png",
        "\u00e9\x1b[31m.png",
        "lost\x1b[32m_mask.png",
    ):  # two have one identifier
        shutil.copy(tmp_path / "set/ab/00.png", tmp_path / "set/ab" / name)
    done = run("check", "set", "--normal", "no\x1b[2J", "--abnormal", "ab")
    for said in (r"no\x1b[2J (normal)", r"\x1b[31m.png: same image_id as ab/", r"lost\x1b[32m_mask.png"):
        assert said in done.output
    assert "\x1b" not in done.output


def test_a_name_that_begins_with_a_dash_is_taken_after_two(place: Path) -> None:
    for folder in ("normal", "scans"):
        (place / folder).rename(place / f"-{folder}")
    fit = ("--config", "overlay.yaml", "--method", "my_mean_brightness", "--folds", "0", "--out", "model")
    assert run("fit", *fit, "--", "-normal").exit_code == 0
    assert run("predict", "--out", "p", "--scores-only", "--", "model", "-scans").exit_code == 0
    with (place / "p/scores.csv").open(newline="") as file:
        files = [row["file"] for row in csv.DictReader(file)]
    assert len(files) == len(NAMES) + 1
    assert all(name.startswith("./-scans/") for name in files)  # which no spreadsheet takes for a formula


def test_check_and_the_manifest_keep_them(place: Path) -> None:
    (place / "scans").rename(place / "set")
    shutil.move(place / "normal", place / "set" / "no; touch PWNED")
    normal = place / "set" / "no; touch PWNED"
    shutil.copy(normal / "-rf.png", normal / "\x1b[2Jtwin.png")
    (normal / "\x1b[2Jnotes.txt").touch()
    done = run("check", "set", "--normal", "no; touch PWNED", "--abnormal", "$(touch PWNED) {y}")
    assert f" {len(NAMES) + 2} no; touch PWNED (normal)" in done.output
    said = set(re.findall(r"\\x1b\[2J[\w.]*", done.output))
    assert {r"\x1b[2Jnotes.txt", r"\x1b[2Jtwin.png"} <= said  # passed over; a duplicate
    assert "\x1b[2J" not in done.output
    assert not list(place.rglob("PWNED"))
