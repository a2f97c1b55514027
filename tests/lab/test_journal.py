"""A line of a journal counts where it is as it was written, and of the prediction that asks."""

import json
from pathlib import Path

import pytest

from fusionmedclip.lab.journal import Journal, Part, joined, keys_in, parts_left

BAD = b'{"key": "k", "group": 1, "inputs": [], "skipped": [\xff], "files": []}\n'
DEEP = b"[" * 200_000 + b"\n"
EDGE = b"".join(b'{"key": "k", "group": 0, "x": ' + b"[" * n + b"]" * n + b"}\n" for n in range(300, 1100))
"""Depths that are read, and cannot be written again."""


def written(folder: Path, key: str, *groups: int, skipped: tuple[int, ...] = ()) -> Path:
    """A closed journal, and its path."""
    journal = Journal(folder, Part(), key, resume=False)
    for group in groups:
        journal.add(group, [{"name": f"{key}{group}"}], [["x", "why"]] if group in skipped else [])
    journal.close()
    return journal.path


def done(folder: Path, key: str) -> set[int]:
    journal = Journal(folder, Part(), key, resume=True)
    journal.close()
    return set(journal.done)


def test_lines_of_another_prediction_are_none_of_this_one(tmp_path: Path) -> None:
    theirs = written(tmp_path / "b", "b", 0, 1, 7).read_text().splitlines()
    path = written(tmp_path / "a", "a", 0)
    path.write_text("\n".join([*path.read_text().splitlines(), *theirs[1:], ""]))
    assert parts_left(tmp_path / "a", Part(), "a", 2) == ["1/1"]
    assert done(tmp_path / "a", "a") == {0}
    renamed = [line.replace('"key": "b"', '"key": "a"') for line in theirs]
    path.write_text("\n".join([*renamed, ""]))
    assert done(tmp_path / "a", "a") == set()


def test_a_group_that_there_is_none_of_takes_no_place(tmp_path: Path) -> None:
    written(tmp_path, "a", 0, 7)
    assert joined(tmp_path, Part(), "a", 2) is None
    journal = Journal(tmp_path, Part(), "a", resume=True)
    journal.add(1, [], [])
    journal.close()
    lines = joined(tmp_path, Part(), "a", 2)
    assert lines is not None
    assert [line["group"] for line in lines] == [0, 1]


@pytest.mark.parametrize(
    "bad",
    [
        BAD,
        DEEP,
        EDGE,
        b"\xff\xfe\n",
        b"null\n",
        b'{"key": "k", "group": 0}\n',
        b'{"key": []}\n',
        b'{"key": 3}\n',
    ],
    ids=["text", "deep", "edge", "no text", "null", "no digest", "list", "number"],
)
@pytest.mark.parametrize("where", [0, 1, 2])
def test_bytes_that_are_no_line_cost_no_more_than_a_line(tmp_path: Path, bad: bytes, where: int) -> None:
    path = written(tmp_path, "k", 0, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[where] = bad
    path.write_bytes(b"".join(lines))
    assert "k" in keys_in(tmp_path)
    assert done(tmp_path, "k") == {0, 1} - {where - 1}


def test_the_order_of_lines_says_nothing(tmp_path: Path) -> None:
    """A group that was skipped, and scored when it was tried again, is scored wherever its lines stand."""
    path = written(tmp_path, "k", 0, skipped=(0,))
    first = path.read_text().splitlines()
    again = written(tmp_path, "k", 0).read_text().splitlines()
    for lines in ([*first, again[1]], [*again, first[1]]):
        path.write_text("\n".join([*lines, ""]))
        (line,) = joined(tmp_path, Part(), "k", 1) or ()
        assert line["skipped"] == []
        assert done(tmp_path, "k") == {0}


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["gone", "empty"])
def test_what_was_written_beside_the_scores_and_is_gone_is_not_done(tmp_path: Path, lose) -> None:
    journal = Journal(tmp_path, Part(), "k", resume=False)
    for group, name in enumerate(("a.png", "b.png")):
        (tmp_path / name).write_bytes(b"picture")
        journal.add(group, [], [], [name])
    journal.close()
    assert done(tmp_path, "k") == {0, 1}
    lose(tmp_path / "a.png")
    assert done(tmp_path, "k") == {1}
    assert [json.loads(line).get("group") for line in journal.path.read_text().splitlines()] == [None, 1]
