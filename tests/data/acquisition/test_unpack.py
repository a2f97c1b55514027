"""Archives that must not be trusted."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from fusionmedclip.data.acquisition.unpack import UnpackLimits, unpack
from fusionmedclip.errors import InputError
from tests.data.acquisition.server import CONTENT, GOOD, tar_of, zip_of


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


@pytest.mark.parametrize("strip", ["../../victim", "/victim", "Set/../../../victim", ".."])
def test_a_folder_outside_of_the_archive_is_never_taken(tmp_path: Path, strip: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").touch()
    if strip == "/victim":
        strip = str(victim)
    with pytest.raises(InputError, match="`strip`: leads out of"):
        unpack(zip_of(tmp_path / "a.zip", GOOD), tmp_path / "set", strip=strip)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "victim"]
    assert (victim / "kept").exists()


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
        with pytest.raises(InputError, match=f"{name}: cannot be read as archive"):
            unpack(tmp_path / name, tmp_path / "set")
        assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("name", ["", ".", "./."])
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_a_file_without_a_name_is_refused(tmp_path: Path, make, name: str) -> None:
    archive = make(tmp_path / "a.bin", {"fine.png": b"x", name: b"y"})
    with pytest.raises(InputError, match=r"a\.bin: a file without a name"):
        unpack(archive, tmp_path / "set")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.bin"]


@pytest.mark.parametrize("second", ["set/a.png", "./set/a.png", "set//a.png", "set\\a.png"])
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_an_entry_twice_is_refused(tmp_path: Path, make, second: str) -> None:
    content = [("set/a.png", b"first"), (second, b"second")]
    archive = make(tmp_path / "a.bin", content)
    with pytest.raises(InputError, match=r"a\.bin: .* is in it twice"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_a_file_where_a_folder_is_needed(tmp_path: Path, make) -> None:
    archive = make(tmp_path / "a.bin", {"set": b"x", "set/a.png": b"y"})
    with pytest.raises(InputError, match=r"a\.bin: cannot be read as archive"):
        unpack(archive, tmp_path / "out")


def test_stray_files_of_systems_are_left_out(tmp_path: Path) -> None:
    stray = ("__MACOSX/._a.png", "._a.png", ".DS_Store", "x/Thumbs.db", "x/DESKTOP.INI", "@eaDir/a.png")
    archive = zip_of(tmp_path / "a", {"x/a.png": b"x", **dict.fromkeys(stray, b"y")})
    assert unpack(archive, tmp_path / "set") == 1
    assert [p.name for p in (tmp_path / "set").rglob("*") if p.is_file()] == ["a.png"]


def test_sizes_that_a_directory_claims_are_checked_before_unpacking(tmp_path: Path) -> None:
    whole = zip_of(tmp_path / "whole", {"a.png": bytes(1000)}).read_bytes()
    central = whole.index(b"PK\x01\x02")
    for name, limit, says in (("lie", 2**40, "claims more"), ("large", 2**30, "unpacks to")):
        content = bytearray(whole)
        content[central + 24 : central + 28] = (2**31).to_bytes(4, "little")  # size of a.png, APPNOTE 4.3.12
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: .*{says}"):
            unpack(tmp_path / name, tmp_path / "set", limits=UnpackLimits(bytes=limit))
        assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("packing", ["xz", "gz", "bz2"])
def test_damaged_packing(tmp_path: Path, packing: str) -> None:
    with tarfile.open(tmp_path / "whole", f"w:{packing}") as archive:
        info = tarfile.TarInfo("a.png")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
    damaged = bytearray((tmp_path / "whole").read_bytes())
    for place in range(2000, 60000, 500):
        damaged[place] ^= 0x5A
    (tmp_path / "damaged").write_bytes(damaged)
    with pytest.raises(InputError, match="damaged: cannot be read as archive"):
        unpack(tmp_path / "damaged", tmp_path / "set")


def _plain_tar(path: Path) -> Path:
    """Two entries of a header and one block each, then the end mark; tar fills up to 10,240 bytes."""
    with tarfile.open(path, "w") as archive:
        for name in ("a.png", "b.png"):
            info = tarfile.TarInfo(name)
            info.size = 512
            archive.addfile(info, io.BytesIO(name.encode() * 102 + b"xx"))
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("keep", [300, 700, 1024, 1200, 1536, 1800, 2048])
def test_a_tar_that_is_cut_is_refused(tmp_path: Path, keep: int, packed: bool) -> None:
    """Inside entries and between them, and before the end mark: ``tarfile`` takes most for the end."""
    data = _plain_tar(tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(gzip.compress(data[:keep]) if packed else data[:keep])
    with pytest.raises(InputError, match="cut: cannot be read as archive"):
        unpack(tmp_path / "cut", tmp_path / "set")
    assert not (tmp_path / "set").exists()
    (tmp_path / "short").write_bytes(data[: 2048 + 512])  # one block of the two that mark the end
    assert unpack(tmp_path / "short", tmp_path / "set") == 2


def test_a_damaged_header_is_not_the_end_of_a_tar(tmp_path: Path) -> None:
    data = bytearray(_plain_tar(tmp_path / "a").read_bytes())
    data[1024 + 5] ^= 255
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(InputError, match="a: cannot be read as archive"):
        unpack(tmp_path / "a", tmp_path / "set")


@pytest.mark.parametrize("files", [{}, {"__MACOSX/._a": b"x"}])
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_an_archive_without_files_is_refused(tmp_path: Path, make, files: dict) -> None:
    with pytest.raises(InputError, match=r"a\.bin: (holds no files|cannot be read as archive)"):
        unpack(make(tmp_path / "a.bin", files), tmp_path / "set")


def test_a_folder_with_data_is_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a", {"fine.png": b"x", "folder/": b"lost"})
    with pytest.raises(InputError, match=r"a: 'folder/' is a folder with data"):
        unpack(archive, tmp_path / "set")
    assert unpack(zip_of(tmp_path / "b", {"folder/": b"", "folder/a.png": b"x"}), tmp_path / "set") == 1


@pytest.mark.parametrize(
    ("start", "says"),
    [(b"Rar!\x1a\x07\x00", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"<!DOCTYPE html>", "a web page"),
     (b"version https://git-lfs.github.com/spec/v1", "Git LFS")],
)  # fmt: skip
def test_what_is_no_archive_that_is_unpacked_is_named(tmp_path: Path, start: bytes, says: str) -> None:
    (tmp_path / "a").write_bytes(start + bytes(99))
    with pytest.raises(
        InputError, match=rf"a: cannot be read as archive \(.*{says}(.|\n)*allowed:  ZIP, TAR"
    ):
        unpack(tmp_path / "a", tmp_path / "set")
