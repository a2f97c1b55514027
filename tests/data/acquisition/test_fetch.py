"""Downloads that break off are taken up again, and nothing is guessed."""

import re
from pathlib import Path

import pytest

from fusionmedclip.data.acquisition.fetch import fetch
from fusionmedclip.errors import InputError
from tests.data.acquisition.server import CONTENT


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
