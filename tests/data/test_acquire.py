"""Downloads that break off, archives that must not be trusted, and checksums."""

import hashlib
import io
import re
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from fusionmedclip.data.acquire import AcquireSettings, acquire
from fusionmedclip.data.checksums import (
    compare_or_record,
    read_checksums,
    shipped_checksums,
    verify_folder,
)
from fusionmedclip.data.fetch import fetch
from fusionmedclip.data.unpack import UnpackLimits, unpack
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator

CONTENT = generator(0, "test download").bytes(300_000)


class _Handler(BaseHTTPRequestHandler):
    """Serves ``server.content``, with ranges, and breaks off as often as ``server.breaks`` says."""

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if server.status != 200:
            self.send_error(server.status)
            return
        content, start = server.contents.get(self.path.split("?")[0], server.content), 0
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if match and self.headers.get("If-Range") == server.etag:
            start = int(match[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        end = len(content)
        if server.breaks > 0:
            server.breaks -= 1
            end = start + (len(content) - start) // 2
        self.wfile.write(content[start:end])
        self.close_connection = True

    def log_message(self, *args) -> None:
        """Silence."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A web server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.content, server.etag, server.breaks, server.status, server.requests = CONTENT, '"one"', 0, 200, []
    server.contents = {}
    server.url = f"http://127.0.0.1:{server.server_port}/set.zip"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_broken_connections_are_taken_up_again(server, tmp_path: Path) -> None:
    server.breaks = 3
    assert fetch(server.url, tmp_path / "set.zip", wait=0).read_bytes() == CONTENT
    assert server.requests[0] is None
    assert all(re.fullmatch(r"bytes=\d+-", ask) for ask in server.requests[1:])
    assert len(server.requests) == 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set.zip"]


def test_a_later_call_goes_on(server, tmp_path: Path) -> None:
    server.breaks, target = 1, tmp_path / "set.zip"
    with pytest.raises(InputError, match=r"set\.zip\.part is kept"):
        fetch(server.url, target, attempts=0, wait=0)
    assert not target.exists()
    fetch(server.url, target, wait=0)
    assert server.requests == [None, "bytes=150000-"]
    assert target.read_bytes() == CONTENT


def test_another_file_on_the_server_starts_afresh(server, tmp_path: Path) -> None:
    server.breaks, target = 1, tmp_path / "set.zip"
    with pytest.raises(InputError):
        fetch(server.url, target, attempts=0, wait=0)
    server.content, server.etag = CONTENT[::-1], '"two"'
    assert fetch(server.url, target, wait=0).read_bytes() == CONTENT[::-1]


def test_without_a_validator_nothing_is_guessed(server, tmp_path: Path) -> None:
    server.etag, server.breaks = "", 2
    assert fetch(server.url, tmp_path / "set.zip", wait=0).read_bytes() == CONTENT
    assert server.requests == [None, None, None]


def test_everything_had_arrived(server, tmp_path: Path) -> None:
    server.breaks = 1
    with pytest.raises(InputError):
        fetch(server.url, tmp_path / "set.zip", attempts=0, wait=0)
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path / "set.zip", wait=0).read_bytes() == CONTENT
    assert server.requests == [None, "bytes=300000-"]


def test_a_longer_rest_is_thrown_away(server, tmp_path: Path) -> None:
    server.breaks = 1
    with pytest.raises(InputError):
        fetch(server.url, tmp_path / "set.zip", attempts=0, wait=0)
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    assert fetch(server.url, tmp_path / "set.zip", wait=0).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 403])
def test_a_refusal_is_told(server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(InputError, match=rf"set\.zip: the server answers {status}"):
        fetch(server.url, tmp_path / "set.zip", wait=0)
    assert list(tmp_path.iterdir()) == []


def test_a_server_in_trouble_is_asked_again(server, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(InputError, match="503"):
        fetch(server.url, tmp_path / "set.zip", attempts=3, wait=0)
    assert len(server.requests) == 3


def test_addresses_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown kind of address"):
        fetch("ftp://example.org/a.zip", tmp_path / "a.zip")
    with pytest.raises(InputError, match="no download"):
        fetch("http://127.0.0.1:9/a.zip", tmp_path / "a.zip", attempts=2, wait=0)


def _zip(path: Path, files: dict[str, bytes], links: tuple[str, ...] = ()) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
        for name in links:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    return path


def _tar(path: Path, files: dict[str, bytes], **special: int) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind in special.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return path


GOOD = {"Set/no/a.png": b"a" * 10, "Set/yes/b.png": b"b" * 20, "readme.txt": b"r", "__MACOSX/Set/._a": b"x"}


@pytest.mark.parametrize("make", [_zip, _tar])
def test_unpack(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "a.bin", GOOD)
    assert unpack(archive, tmp_path / "all") == 3
    assert (tmp_path / "all" / "Set" / "no" / "a.png").read_bytes() == b"a" * 10
    assert unpack(archive, tmp_path / "set", strip="Set") == 2
    assert sorted(p.name for p in (tmp_path / "set").iterdir()) == ["no", "yes"]
    with pytest.raises(InputError, match="set: not empty"):
        unpack(archive, tmp_path / "set")
    with pytest.raises(InputError, match="holds no folder 'Other'"):
        unpack(archive, tmp_path / "other", strip="Other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.bin", "all", "set"]


@pytest.mark.parametrize(
    "name", ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png", "C:\\out.png"]
)
@pytest.mark.parametrize("make", [_zip, _tar])
def test_no_path_leaves_the_folder(tmp_path: Path, make, name: str) -> None:
    archive = make(tmp_path / "a.bin", {"fine.png": b"x", name: b"x"})
    with pytest.raises(InputError, match="would leave the folder"):
        unpack(archive, tmp_path / "in" / "set")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.bin", "in"]


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    archives = [_zip(tmp_path / "z", {"a": b"x"}, links=("link",))]
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        archives.append(_tar(tmp_path / f"t{kind.decode()}", {"a": b"x"}, link=kind))
    for archive in archives:
        with pytest.raises(InputError, match="link is a link or a device"):
            unpack(archive, tmp_path / "set")
        assert not (tmp_path / "set").exists()


def test_limits_count_what_arrives(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "a", {f"{n}.png": bytes(100_000) for n in range(20)})
    assert archive.stat().st_size < 10_000  # it is small as long as it is packed
    with pytest.raises(InputError, match="unpacks to more than 1000000 bytes"):
        unpack(archive, tmp_path / "set", limits=UnpackLimits(bytes=1_000_000))
    with pytest.raises(InputError, match="more than 19 files"):
        unpack(archive, tmp_path / "set", limits=UnpackLimits(files=19))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]


def test_broken_archives(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "whole", {"a.png": CONTENT}).read_bytes()
    damaged = bytearray(whole)
    damaged[5000] ^= 255
    for name, content in {
        "cut": whole[:-40],
        "damaged": bytes(damaged),
        "text": b"hello",
        "zero": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: broken, encrypted or no archive"):
            unpack(tmp_path / name, tmp_path / "set")
        assert not (tmp_path / "set").exists()


def test_record_of_first_downloads(tmp_path: Path) -> None:
    record = tmp_path / "checksums.json"
    assert not compare_or_record(tmp_path / "a.zip", "1" * 64, record=record)
    assert not compare_or_record(tmp_path / "b.zip", "2" * 64, record=record)
    assert compare_or_record(tmp_path / "a.zip", "1" * 64, record=record)
    with pytest.raises(InputError, match=r"a\.zip: not the file that was downloaded first"):
        compare_or_record(tmp_path / "a.zip", "3" * 64, record=record)
    record.write_text("{")
    with pytest.raises(InputError, match="not a record"):
        compare_or_record(tmp_path / "a.zip", "1" * 64, record=record)


def test_verify_folder(tmp_path: Path) -> None:
    for name in ("no/a", "no/b", "yes/c", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("no/a", "no/b", "yes/gone")}
    sums["no/b"] = "0" * 64
    found = verify_folder(tmp_path, sums)
    assert (found.same, found.different, found.missing, found.extra) == (
        ("no/a",),
        ("no/b",),
        ("yes/gone",),
        ("yes/c",),
    )
    assert not found.identical
    assert "1 of 3 listed files are identical" in found.text()
    assert verify_folder(tmp_path / "yes", {"c": hashlib.sha256(b"yes/c").hexdigest()}).identical


def test_lists_of_checksums(tmp_path: Path) -> None:
    assert len(shipped_checksums("brainmri")) == 253
    busi = shipped_checksums("busi")
    assert len(busi) == 1578
    assert sum("_mask" in name for name in busi) == 798
    with pytest.raises(InputError, match=r"brainmri, busi"):
        shipped_checksums("chexpert")
    (tmp_path / "a.sha256").write_text(f"{'a' * 64}  x y.png\n\n")
    assert read_checksums(tmp_path / "a.sha256") == {"x y.png": "a" * 64}
    (tmp_path / "b.sha256").write_text("abc  x.png\n")
    with pytest.raises(InputError, match="line 1"):
        read_checksums(tmp_path / "b.sha256")


def _settings(**keys) -> AcquireSettings:
    facts = {"publisher": "A. Nyone", "homepage": "https://example.org", "licence": "CC0"}
    return AcquireSettings.from_config({**facts, **keys})


def test_acquire_downloads_once_and_checks(server, tmp_path: Path) -> None:
    server.content = _zip(tmp_path / "made.zip", GOOD).read_bytes()
    settings = _settings(url=server.url, strip="Set", expect=["no", "yes"])
    first = acquire(settings, tmp_path / "data" / "toy", dataset="toy")
    assert first.downloaded
    assert first.sha256 == {"set.zip": hashlib.sha256(server.content).hexdigest()}
    again = acquire(settings, tmp_path / "data" / "toy", dataset="toy")
    assert not again.downloaded
    assert len(server.requests) == 1
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["checksums.json", "toy"]
    (tmp_path / "data" / "toy").rename(tmp_path / "data" / "old")
    server.content = _zip(tmp_path / "made.zip", {**GOOD, "Set/no/c.png": b"new"}).read_bytes()
    with pytest.raises(InputError, match=r"set\.zip: not the file that was downloaded first"):
        acquire(settings, tmp_path / "data" / "toy", dataset="toy")
    assert not (tmp_path / "data" / "toy").exists()


def test_acquire_several_parts_and_goes_on_after_a_break(server, tmp_path: Path) -> None:
    base = server.url.removesuffix("/set.zip")
    images = _zip(tmp_path / "made.zip", {"train/a.png": b"a", "train/b.png": b"b"}).read_bytes()
    server.contents = {"/train_images.zip": images, "/captions.csv": b"image,caption\n", "/bad.zip": b"none"}
    urls = [f"{base}/train_images.zip?download=1", f"{base}/captions.csv"]
    with pytest.raises(InputError, match=r"bad\.zip: broken"):
        acquire(_settings(urls=[*urls, f"{base}/bad.zip"]), tmp_path / "roco", dataset="roco")
    assert not (tmp_path / "roco").exists()
    found = acquire(_settings(urls=urls, expect=["captions.csv"]), tmp_path / "roco", dataset="roco")
    assert found.downloaded
    assert len(server.requests) == 3  # nothing twice
    assert (tmp_path / "roco" / "train_images" / "train" / "b.png").read_bytes() == b"b"
    assert (tmp_path / "roco" / "captions.csv").read_bytes() == b"image,caption\n"


def test_acquire_compares_a_known_checksum(server, tmp_path: Path) -> None:
    server.content = _zip(tmp_path / "made.zip", GOOD).read_bytes()
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
    server.content = _zip(tmp_path / "x" / "made.zip", {"a.csv": b"1"}).read_bytes()
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
