"""Checksums: recorded at the first download, compared from then on."""

import hashlib
from pathlib import Path

import pytest

from fusionmedclip.data.acquisition.checksums import (
    compare_or_record,
    shipped_checksums,
    verify_folder,
)
from fusionmedclip.errors import InputError


def test_record_of_first_downloads(tmp_path: Path) -> None:
    record = tmp_path / "checksums.json"
    assert not compare_or_record(tmp_path / "a.zip", "1" * 64, record=record)
    assert not compare_or_record(tmp_path / "b.zip", "2" * 64, record=record)
    assert compare_or_record(tmp_path / "a.zip", "1" * 64, record=record)
    with pytest.raises(InputError, match=r"a\.zip: not the file that was downloaded first"):
        compare_or_record(tmp_path / "a.zip", "3" * 64, record=record)
    record.write_text("{")
    with pytest.raises(InputError, match=r"checksums\.json, line 1"):
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


def test_lists_of_checksums() -> None:
    assert len(shipped_checksums("brainmri")) == 253
    busi = shipped_checksums("busi")
    assert len(busi) == 1578
    assert sum("_mask" in name for name in busi) == 798
    with pytest.raises(InputError, match=r"brainmri, busi"):
        shipped_checksums("chexpert")
