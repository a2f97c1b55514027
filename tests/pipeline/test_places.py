"""Folders that this user may not write are named before Snakemake meets them."""

from pathlib import Path

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.pipeline.places import check_records, closed_folders
from tests.ordinary_user import without_rights


def test_records_that_cannot_be_kept_are_refused_with_a_hint(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    folder.mkdir(mode=0o555)
    for records in (folder / ".snakemake", folder):
        with without_rights(), pytest.raises(InputError) as caught:
            check_records(records)
        text = str(caught.value)
        assert f"records and its lock in {records}, and cannot" in text
        assert "Permission denied" in text
        assert "snakemake --directory" in text
    folder.chmod(0o755)
    with without_rights():
        check_records(folder / ".snakemake")
    assert not (folder / ".snakemake").exists()


def test_closed_folders_of_results_are_named_each_once(tmp_path: Path) -> None:
    for name in ("scores/busi/paper", "runs/busi", "tables"):
        (tmp_path / name).mkdir(parents=True)
    with without_rights():
        assert list(closed_folders(tmp_path)) == []
        assert list(closed_folders(tmp_path / "nowhere")) == []
    (tmp_path / "scores/busi/paper").chmod(0o555)
    (tmp_path / "scores/busi").chmod(0o555)
    (tmp_path / "tables").chmod(0o666)
    with without_rights():
        assert set(closed_folders(tmp_path)) == {tmp_path / "scores/busi", tmp_path / "tables"}
    for name in ("scores/busi", "scores/busi/paper", "tables"):
        (tmp_path / name).chmod(0o755)
