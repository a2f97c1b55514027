"""Getting a data set, or the steps to take."""

import hashlib
import importlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from fusionmedclip.data.acquisition.acquire import acquire
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.errors import InputError
from tests.data.acquisition.server import GOOD, zip_of
from tests.killed_writes import Killed, kept_as_it_was, kills


def _settings(**keys) -> AcquireSettings:
    facts = {"publisher": "A. Nyone", "homepage": "https://example.org", "licence": "CC0"}
    return AcquireSettings.from_config({**facts, **keys})


def test_acquire_downloads_once_and_checks(server, tmp_path: Path) -> None:
    server.content = zip_of(tmp_path / "made.zip", GOOD).read_bytes()
    settings = _settings(url=server.url, strip="Set", expect=["no", "yes"])
    first = acquire(settings, tmp_path / "data" / "toy", dataset="toy")
    assert first.downloaded
    assert first.sha256 == {"set.zip": hashlib.sha256(server.content).hexdigest()}
    again = acquire(settings, tmp_path / "data" / "toy", dataset="toy")
    assert not again.downloaded
    assert len(server.requests) == 1
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["checksums.json", "toy"]
    (tmp_path / "data" / "toy").rename(tmp_path / "data" / "old")
    server.content = zip_of(tmp_path / "made.zip", {**GOOD, "Set/no/c.png": b"new"}).read_bytes()
    with pytest.raises(InputError, match=r"set\.zip: not the file that was downloaded first"):
        acquire(settings, tmp_path / "data" / "toy", dataset="toy")
    assert not (tmp_path / "data" / "toy").exists()


def test_two_that_get_one_data_set_at_once_download_it_once(server, tmp_path: Path) -> None:
    """Two clones over one folder of data."""
    server.content = zip_of(tmp_path / "made.zip", GOOD).read_bytes()
    settings, folder = _settings(url=server.url, strip="Set", expect=["no", "yes"]), tmp_path / "data" / "toy"
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: acquire(settings, folder, dataset="toy"), range(4)))
    assert [one.downloaded for one in found].count(True) == 1
    assert len(server.requests) == 1
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["checksums.json", "toy"]
    assert (folder / "no" / "a.png").read_bytes() == GOOD["Set/no/a.png"]


def test_acquire_several_parts_and_goes_on_after_a_break(server, tmp_path: Path) -> None:
    base = server.url.removesuffix("/set.zip")
    images = zip_of(tmp_path / "made.zip", {"train/a.png": b"a", "train/b.png": b"b"}).read_bytes()
    server.contents = {"/train_images.zip": images, "/captions.csv": b"image,caption\n", "/bad.zip": b"none"}
    urls = [f"{base}/train_images.zip?download=1", f"{base}/captions.csv"]
    with pytest.raises(InputError, match=r"bad\.zip: cannot be read as archive"):
        acquire(_settings(urls=[*urls, f"{base}/bad.zip"]), tmp_path / "roco", dataset="roco")
    assert not (tmp_path / "roco").exists()
    found = acquire(_settings(urls=urls, expect=["captions.csv"]), tmp_path / "roco", dataset="roco")
    assert found.downloaded
    assert len(server.requests) == 3  # nothing twice
    assert (tmp_path / "roco" / "train_images" / "train" / "b.png").read_bytes() == b"b"
    assert (tmp_path / "roco" / "captions.csv").read_bytes() == b"image,caption\n"


STEPS = [
    "unpack:_inside", "unpack:below", "acquire:gather", "fetch:_validator",
    *(f"gather:{name}" for name in ("_begin", "_keep", "clear", "remove_attempts", "fetch", "file_sha256",
                                    "compare_or_record", "unpack")),
]  # fmt: skip


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_call_is_gone_on_from_and_leaves_nothing(server, tmp_path, monkeypatch, several, step):
    """Before and after each call of each step, as a SIGKILL: nothing is removed on the way out."""
    base, modules = server.url.removesuffix("/set.zip"), "fusionmedclip.data.acquisition"
    for name in ("a", "b"):
        server.contents[f"/v1.0-{name}.zip"] = zip_of(
            tmp_path / "made.zip", {f"{name}.png": b"1"}
        ).read_bytes()
    server.contents["/list.csv"] = b"file"
    urls = [f"{base}/v1.0-a.zip", f"{base}/v1.0-b.zip", f"{base}/list.csv"]
    settings = _settings(**({"urls": urls} if several else {"url": urls[0]}))
    whole = ["list.csv", "v1.0-a/a.png", "v1.0-b/b.png"] if several else ["a.png"]
    module, _, function = step.partition(":")
    found = importlib.import_module(f"{modules}.{module}")
    called = getattr(found, function)
    for number in range(1, 30):
        folder, calls = tmp_path / str(number) / "toy", []

        def killing(*args, called=called, calls=calls, number=number, **options):
            calls.append(args)
            if len(calls) == number / 2:
                raise Killed
            value = called(*args, **options)
            if len(calls) == (number + 1) / 2:
                raise Killed
            return value

        with monkeypatch.context() as patch:
            patch.setattr(found, function, killing)
            with kept_as_it_was(patch) as was_killed:
                acquire(settings, folder, dataset="toy")
        acquire(settings, folder, dataset="toy")
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        assert files == whole
        assert sorted(path.name for path in folder.parent.iterdir()) == ["checksums.json", "toy"]
        if not was_killed:
            assert number > 2
            return
    raise AssertionError("not gone on from to its end")


@pytest.mark.parametrize("several", [False, True])
def test_killed_where_a_file_gets_its_name(server, tmp_path: Path, monkeypatch, several) -> None:
    server.content = zip_of(tmp_path / "made.zip", {"a.png": b"1"}).read_bytes()
    settings = _settings(**({"urls": [server.url]} if several else {"url": server.url}))
    places = iter(tmp_path / f"{number}" / "toy" for number in range(20))
    for number in kills(lambda: acquire(settings, next(places), dataset="toy"), monkeypatch):
        folder = tmp_path / str(number - 1) / "toy"
        assert list(folder.parent.rglob(".*"))
        acquire(settings, folder, dataset="toy")
        assert sorted(path.name for path in folder.parent.iterdir()) == ["checksums.json", "toy"]
        assert not list(folder.rglob(".*"))
    assert number >= 5


def test_other_addresses_take_over_what_is_theirs_alone(server, tmp_path: Path, monkeypatch) -> None:
    base = server.url.removesuffix("/set.zip")
    for name in ("a", "b", "c"):
        server.contents[f"/{name}.zip"] = zip_of(tmp_path / "made.zip", {f"{name}.png": b"1"}).read_bytes()
    server.contents["/other/b.zip"] = zip_of(tmp_path / "made.zip", {"new.png": b"1"}).read_bytes()
    before = _settings(urls=[f"{base}/a.zip", f"{base}/b.zip", f"{base}/gone.zip"])
    server.contents["/gone.zip"] = b"no archive"
    with pytest.raises(InputError, match=r"gone\.zip"):
        acquire(before, tmp_path / "toy", dataset="toy")
    after = _settings(urls=[f"{base}/a.zip", f"{base}/other/b.zip", f"{base}/c.zip"])
    (tmp_path / "checksums.json").unlink()  # of the other b.zip
    acquire(after, tmp_path / "toy", dataset="toy")
    files = [path.relative_to(tmp_path / "toy").as_posix() for path in (tmp_path / "toy").rglob("*.png")]
    assert sorted(files) == ["a/a.png", "b/new.png", "c/c.png"]
    assert len(server.requests) == 5  # a.zip once


def test_what_is_said_of_one_archive_is_not_asked_of_several(server, tmp_path: Path) -> None:
    """``strip`` and ``sha256`` belong to ``url``."""
    server.content = zip_of(tmp_path / "made.zip", {"deep/a.png": b"1"}).read_bytes()
    settings = _settings(urls=[server.url], strip="elsewhere", sha256="0" * 64)
    acquire(settings, tmp_path / "toy", dataset="toy")
    assert (tmp_path / "toy/set/deep/a.png").read_bytes() == b"1"


def test_a_strangers_hidden_folder_is_left_alone_and_named(server, tmp_path: Path) -> None:
    (tmp_path / ".toy.parts").mkdir()
    (tmp_path / ".toy.parts" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"\.toy\.parts: holds files that no download has put there"):
        acquire(_settings(url=server.url), tmp_path / "toy", dataset="toy")
    assert (tmp_path / ".toy.parts" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("names", [("x/a.zip", "y/a.zip"), ("a.zip", "a.tar.gz"), ("a", "a.tgz")])
def test_two_addresses_for_one_place_are_refused(names) -> None:
    """Of which the second would be taken for what is there already, and never fetched."""
    with pytest.raises(InputError, match=r"(?s)one place.*'a'"):
        _settings(urls=[f"https://example.org/{name}" for name in names])


def test_acquire_compares_a_known_checksum(server, tmp_path: Path) -> None:
    server.content = zip_of(tmp_path / "made.zip", GOOD).read_bytes()
    with pytest.raises(InputError, match="not the file it should be"):
        acquire(_settings(url=server.url, sha256="0" * 64), tmp_path / "toy", dataset="toy")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made.zip"]


def test_a_failed_download_says_how_to_do_without(server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(InputError, match="404") as caught:
        acquire(_settings(url=server.url, expect=["a.csv"]), tmp_path / "toy", dataset="toy")
    assert f"1. download {server.url}, and unpack it" in str(caught.value)
    assert f"{tmp_path / 'toy'} must hold: a.csv" in str(caught.value)


def test_progress_is_shown_on_a_terminal_alone(server, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    server.content = zip_of(tmp_path / "x" / "made.zip", {"a.csv": b"1"}).read_bytes()
    for terminal in (True, False):
        screen = Console(file=io.StringIO(), force_terminal=terminal, width=120)
        folder = tmp_path / str(terminal)
        acquire(_settings(url=server.url), folder / "toy", dataset="toy", console=screen)
        assert ("Downloading set.zip" in screen.file.getvalue()) is terminal
        assert ("Unpacking set.zip" in screen.file.getvalue()) is terminal


def test_acquire_says_what_to_do_by_hand(tmp_path: Path) -> None:
    settings = _settings(steps=["Sign the agreement.", "Unpack the file."], expect=["train.csv"])
    with pytest.raises(InputError) as caught:
        acquire(settings, tmp_path / "chexpert", dataset="chexpert")
    for text in (
        "'chexpert'",
        "A. Nyone",
        "CC0",
        "1. Sign the agreement.",
        "2. Unpack the file.",
        "train.csv",
    ):
        assert text in str(caught.value)
    (tmp_path / "chexpert").mkdir()
    (tmp_path / "chexpert" / "other.csv").touch()
    with pytest.raises(InputError, match=r"lacks train\.csv"):
        acquire(settings, tmp_path / "chexpert", dataset="chexpert")


@pytest.mark.parametrize(
    ("keys", "says"), [({"adress": "x"}, "unknown key"), ({"licence": ""}, "licence` is missing")]
)
def test_wrong_settings(keys: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        _settings(**keys)


def test_real_brainmri_is_the_public_set(real_data: Path) -> None:
    settings = _settings(checksums="brainmri", expect=["no", "yes"])
    found = acquire(settings, real_data / "brainmri", dataset="brainmri")
    assert found.verification.identical
    assert "253 of 253 listed files are identical" in found.text()


def test_scaled_busi_is_told_from_the_original(real_data: Path) -> None:
    found = acquire(_settings(checksums="busi"), real_data / "busi", dataset="busi").verification
    assert not found.same
    assert len(found.different) == 1578
    assert not found.missing
    assert not found.extra
