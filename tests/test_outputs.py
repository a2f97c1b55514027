"""Files written whole, and what killed attempts have left of them, told from everybody else's."""

import shutil
import threading

import pytest

from fusionmedclip.outputs import own_file, remove_attempts, remove_unfinished, whole_file, whole_folder
from tests.killed_writes import Killed, kept_as_it_was

OURS = ("..a.csv.0a1b2c3d.part.ffffffff.part", ".a.csv.0a1b2c3d.part", ".a.csv.ffffffff.part")
OTHER_TARGETS = tuple(f".{name}.0a1b2c3d.part" for name in ("a.csv.gz", "a.csvx", "aacsv", "b.csv"))
USERS = (
    *(".a.csv.mybackup.part", ".a.csv.original.part", ".a.csv.part", ".a.csv.0a1b2c3d.part.json"),
    *("a.csv", "a.csv.0a1b2c3d.part"),
)
OTHERS = (*OTHER_TARGETS, *USERS)


def test_attempts_at_one_file_are_told_from_all_else(tmp_path):
    for name in (*OURS[:2], *OTHERS):
        (tmp_path / name).touch()
    (tmp_path / OURS[2] / "in it").mkdir(parents=True)
    assert remove_attempts(tmp_path / "a.csv") == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(OTHERS)
    assert remove_attempts(tmp_path / "none" / "a.csv") == remove_attempts(tmp_path / "a.csv" / "b") == 0


@pytest.mark.parametrize("name", ["a", "a[1]", "a b", "a\nb", "+", ".a", "a."])
def test_whatever_the_name(tmp_path, monkeypatch, name):
    """What the writers leave when they are killed is what is removed."""
    with monkeypatch.context() as patch, kept_as_it_was(patch), whole_folder(tmp_path / name):
        raise Killed
    with (
        monkeypatch.context() as patch,
        kept_as_it_was(patch),
        whole_file(tmp_path / name) as temporary,
        whole_file(temporary) as further,
    ):
        further.touch()
        raise Killed
    assert len(list(tmp_path.iterdir())) == 2
    remove_attempts(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_below_a_folder_names_of_our_form_alone_go(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in (*OURS, *OTHERS):
        (tmp_path / "sub" / name).touch()
    assert remove_unfinished(tmp_path) == len(OURS) + len(OTHER_TARGETS)
    assert sorted(path.name for path in (tmp_path / "sub").iterdir()) == sorted(USERS)


def test_what_cannot_be_removed_is_not_counted(tmp_path, monkeypatch):
    (tmp_path / OURS[2]).mkdir()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    assert remove_attempts(tmp_path / "a.csv") == 0


def test_one_process_after_another_has_a_file_of_its_own(tmp_path):
    """Else the second would remove what the first is writing."""
    path = tmp_path / "a.csv"
    begun, asking, ended = (threading.Event() for _ in range(3))
    (tmp_path / OURS[1]).touch()

    def first():
        with own_file(path) as temporary:
            temporary.write_text("first")
            begun.set()
            assert ended.wait(300)

    def second():
        asking.set()
        with own_file(path) as temporary:
            temporary.write_text("second")

    threads = [threading.Thread(target=call, daemon=True) for call in (first, second)]
    threads[0].start()
    assert begun.wait(300)
    threads[1].start()
    assert asking.wait(300)
    threads[1].join(0.5)
    assert threads[1].is_alive()
    assert not path.exists()
    ended.set()
    for thread in threads:
        thread.join(300)
    assert path.read_text() == "second"
    assert [found.name for found in tmp_path.iterdir()] == ["a.csv"]
