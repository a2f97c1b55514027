"""Archives that must not be trusted."""

import tarfile
from pathlib import Path

import pytest
from downloads import CONTENT, GOOD, tar_of, zip_of

from fusionmedclip.data.unpack import UnpackLimits, unpack
from fusionmedclip.errors import InputError


@pytest.mark.parametrize("make", [zip_of, tar_of])
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
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_no_path_leaves_the_folder(tmp_path: Path, make, name: str) -> None:
    archive = make(tmp_path / "a.bin", {"fine.png": b"x", name: b"x"})
    with pytest.raises(InputError, match="would leave the folder"):
        unpack(archive, tmp_path / "in" / "set")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.bin", "in"]


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    archives = [zip_of(tmp_path / "z", {"a": b"x"}, links=("link",))]
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        archives.append(tar_of(tmp_path / f"t{kind.decode()}", {"a": b"x"}, link=kind))
    for archive in archives:
        with pytest.raises(InputError, match="link is a link or a device"):
            unpack(archive, tmp_path / "set")
        assert not (tmp_path / "set").exists()


def test_limits_count_what_arrives(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "a", {f"{n}.png": bytes(100_000) for n in range(20)})
    assert archive.stat().st_size < 10_000  # it is small as long as it is packed
    with pytest.raises(InputError, match="unpacks to more than 1000000 bytes"):
        unpack(archive, tmp_path / "set", limits=UnpackLimits(bytes=1_000_000))
    with pytest.raises(InputError, match="more than 19 files"):
        unpack(archive, tmp_path / "set", limits=UnpackLimits(files=19))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]


def test_broken_archives(tmp_path: Path) -> None:
    whole = zip_of(tmp_path / "whole", {"a.png": CONTENT}).read_bytes()
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
