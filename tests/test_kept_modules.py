"""What was read of modules and kept: the same as what is read anew, and none of it where anything changed."""

import itertools
import os
import sys
from pathlib import Path

import pytest

from fusionmedclip import kept_modules
from fusionmedclip.code_digest import PACKAGE, code_digest
from fusionmedclip.kept_modules import KeptModules
from fusionmedclip.source_modules import Module, read_module

FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/part.py").write_text(
        "from lib.other import some\n\ndef work():\n    return some('a.b:c')\n"
    )
    return tmp_path / "lib"


def read_again(path: Path, name: str) -> Module:
    return read_module(path.read_bytes(), name, is_package=path.stem == "__init__")


def again(package: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, int]:
    """What another process finds of ``part``, and how many modules it reads for that."""
    read = []
    with monkeypatch.context() as patch:
        patch.setattr(
            kept_modules,
            "read_module",
            lambda *given, **more: read.append(given) or read_module(*given, **more),
        )
        found = KeptModules(package)
        module = found.read(package / "part.py", "lib.part")
        found.keep()
    return module, len(read)


def test_all_of_the_package_is_what_reading_it_gives(tmp_path: Path) -> None:
    first = KeptModules(tmp_path)
    for path in FILES:
        first.read(path, path.stem)
    first.keep()
    second = KeptModules(tmp_path)
    assert len(second.found) > 100
    for path in FILES:
        assert second.read(path, path.stem) == read_again(path, path.stem)


def test_what_has_not_changed_is_not_read_again(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [again(package, monkeypatch)[1] for _ in range(3)] == [1, 0, 0]


ODD = [
    "[]",
    "null",
    '{"lib.part": 5}',
    '{"lib.part": ["a", "b", "c"]}',
    '{"lib.part": ["KEY", [1]]}',
    "[" * 3000,
]
"""What no version of ours has written, though its checksum holds."""


@pytest.mark.parametrize("change", ["source", "readers", "altered", "torn", "no text", "other", *ODD])
def test_what_changed_is_read_anew(package: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    again(package, monkeypatch)
    path = KeptModules(package).path
    text = path.read_text()
    assert "a.b:c" in text
    if change == "source":
        (package / "part.py").write_text("X = 1\n")
    elif change == "readers":
        monkeypatch.setattr(kept_modules, "_READERS", [b"another version"])
    elif change == "altered":
        path.write_text(text.replace("a.b:c", "a.b:d"))
    elif change == "torn":
        path.write_text(text[:-20])
    elif change == "no text":
        path.write_bytes(b"\xff\xfe")
    elif change in ODD:
        change = change.replace("KEY", KeptModules(package).found["lib.part"][0])
        path.write_text(f"{kept_modules._sum(change)}\n{change}")
    else:
        path.write_text("{}")
    module, count = again(package, monkeypatch)
    assert count == 1
    assert module == read_again(package / "part.py", "lib.part")
    assert again(package, monkeypatch)[1] == 0


def test_one_file_under_two_names_is_two_modules(package: Path) -> None:
    (package / "part.py").write_text("from . import near\n")
    for name in ("lib.part", "lib.deep.part", "lib.part"):
        found = KeptModules(package)
        assert found.read(package / "part.py", name) == read_again(package / "part.py", name)
        found.keep()


def test_nothing_is_kept_where_bytecode_is_not(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert [again(package, monkeypatch)[1] for _ in range(2)] == [1, 1]
    assert not KeptModules(package).path.exists()


def test_a_place_that_cannot_be_written_costs_time_alone(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (package / "__pycache__").touch()
    assert [again(package, monkeypatch)[1] for _ in range(2)] == [1, 1]


def test_an_edit_within_a_process_is_seen_and_one_back_too(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    script = tmp_path / "job.py"
    found = []
    times = itertools.count(10**9)  # those of two writes may be the same, by the clock of an older kernel
    for number, text in enumerate(("from lib.a import f\nf(1)\n", "from lib.a import f\nf(2)\n")):
        script.write_text(text)
        os.utime(script, (0, next(times)))
        for other in ("return 1", "return 2", "return 1"):
            (tmp_path / "lib/a.py").write_text(f"def f(x):\n    {other}\n")
            os.utime(tmp_path / "lib/a.py", (0, next(times)))
            found.append((number, other, code_digest(script, package=tmp_path / "lib")))
    assert len({digest for *_, digest in found}) == 4
    assert all(found[n][2] == found[n + 2][2] for n in (0, 3))


def test_a_file_that_changes_as_it_is_read_is_kept_as_it_was_read(package: Path, monkeypatch) -> None:
    """An edit in between, taken back later, leaves nothing wrong: what is digested is what is parsed."""
    path = package / "part.py"
    before = path.read_text()

    def edited(source: bytes, *given, **more) -> Module:
        path.write_text("X = 1\n")
        return read_module(source, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(kept_modules, "read_module", edited)
        found = KeptModules(package)
        found.read(path, "lib.part")
        found.keep()
    path.write_text(before)
    assert again(package, monkeypatch)[0] == read_again(path, "lib.part")
