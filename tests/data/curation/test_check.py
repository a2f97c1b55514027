"""`fusionmedclip check` as a user types it: a folder, a table, a configured set, all broken at once."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from fusionmedclip.cli import app


def _check(*arguments: object):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_a_folder_is_understood(folder: Path) -> None:
    result = _check(folder, "--normal", "normal", "--abnormal", "abnormal", "--masks", "masks")
    assert result.exit_code == 0
    assert "images:      10" in result.output
    assert "6 normal (normal)" in result.output
    assert "4 images with masks" in result.output
    assert "48 x 40" in result.output
    assert result.output.rstrip().endswith("The data set can be used.")


def test_without_masks_it_says_what_is_lost(folder: Path) -> None:
    result = _check(folder, "--normal", "normal", "--abnormal", "abnormal")
    assert result.exit_code == 0
    assert "none: no pixel metrics" in result.output


def test_a_folder_alone_asks_which_classes_are_normal(folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = _check(folder)
    assert result.exit_code == 2
    assert "abnormal, masks, normal" in result.output
    assert "--normal NAME" in result.output


def test_a_missing_folder_is_to_be_mended(tmp_path: Path) -> None:
    result = _check(tmp_path / "gone", "--normal", "a", "--abnormal", "b")
    assert result.exit_code == 1
    assert "no such folder" in result.output


def test_a_configured_data_set_below_another_folder(
    folder: Path, tmp_path: Path, root: Path, monkeypatch
) -> None:
    overlay = tmp_path / "mine.yaml"
    entry = {"title": "Mine", "test": {"normal": 2}, "source": {
        "kind": "folder", "path": folder.name, "normal": ["normal"], "abnormal": ["abnormal"]}}  # fmt: skip
    overlay.write_text(yaml.safe_dump({"datasets": {"mine": entry}}))
    configured = ("--config", root / "config.yaml", "--config", overlay)
    result = _check("mine", *configured, "--data", folder.parent)
    assert result.exit_code == 0
    assert "Data set 'mine'" in result.output
    unknown = _check("yours", *configured)
    assert unknown.exit_code == 2
    assert "brainmri, busi, mine" in unknown.output
    monkeypatch.chdir(root)  # where config.yaml lies, an overlay is enough, as for the workflow
    assert _check("mine", "--config", overlay, "--data", folder.parent).output == result.output
    assert "--config OVERLAY.yaml" in _check("mine").output
    assert "Traceback" not in unknown.output


@pytest.fixture
def table(tmp_path: Path, picture, write_dicom) -> Path:
    """A table in which every image but one is broken in its own way."""
    place = tmp_path / "set"
    place.mkdir()
    Image.fromarray(picture(0)).save(place / "good.png")
    Image.fromarray(picture(1, (200, 200))).save(place / "cut.png")
    (place / "cut.png").write_bytes((place / "cut.png").read_bytes()[:900])
    (place / "zero.png").touch()
    (place / "archive.png").write_bytes(b"PK\x03\x04 an archive")
    (place / "letter.dcm").write_text("Dear colleague, thank you for sending this patient. " * 9)
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), np.nan, np.float32), np.eye(4)), place / "nan.nii.gz")
    whole = write_dicom(place / "short.dcm", picture(2).astype(np.uint16)).read_bytes()
    (place / "short.dcm").write_bytes(whole[:-100])
    Image.new("L", (9, 9)).save(place / "small.png")
    Image.fromarray(picture(3)).save(place / "masked.png")
    rows = ["path,label,mask", "good.png,0,", "good.png,1,", "masked.png,1,small.png"]
    names = ("cut.png", "zero.png", "archive.png", "letter.dcm", "nan.nii.gz", "short.dcm", "gone.png")
    (place / "list.csv").write_text("\n".join([*rows, *(f"{name},0," for name in names)]) + "\n")
    return place / "list.csv"


def test_a_table_with_everything_wrong_is_one_message(table: Path) -> None:
    before = sorted(table.parent.rglob("*"))
    result = _check(table)
    assert result.exit_code == 1
    assert "9 to mend before it can be used" in result.output
    for said in (
        "good.png is listed already", "small.png: mask and image differ in size", "cut.png",
        "zero.png: empty", "archive.png: not an image", "letter.dcm: not a DICOM", "nan.nii.gz: holds 64 NaN",
        "short.dcm: the header does not describe the pixels", "gone.png: no such file",
    ):  # fmt: skip
        assert said in result.output
    assert "Traceback" not in result.output
    assert sorted(table.parent.rglob("*")) == before


def test_a_table_in_order(table: Path) -> None:
    table.write_text("path,label\ngood.png,0\nmasked.png,1\n")
    assert _check(table).exit_code == 0
