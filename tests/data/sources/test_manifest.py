"""Manifests: complete, checked, and the same bytes wherever the data lie."""

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.data.sources.manifest import (
    COLUMNS,
    build_manifest,
    known_masks,
    read_manifest,
    source_root,
    write_manifest,
)
from fusionmedclip.errors import InputError


def test_rows(source: dict, folder: Path) -> None:
    manifest = build_manifest(source, dataset="toy")
    assert tuple(manifest.columns) == COLUMNS
    assert list(manifest["image_id"]) == sorted(
        p.relative_to(folder).as_posix() for p in folder.glob("*ormal/*.png")
    )
    assert manifest["label"].tolist() == [1] * 4 + [0] * 6
    for row in manifest.itertuples():
        assert row.sha256 == hashlib.sha256((folder / row.file).read_bytes()).hexdigest()
    assert manifest["mask"][0] == "masks/abnormal_6.png"
    assert known_masks(manifest).all()
    manifest.loc[0, "mask"] = ""
    assert known_masks(manifest).tolist() == [False] + [True] * 9


def test_same_bytes_in_another_place_and_with_other_threads(
    source: dict, folder: Path, tmp_path: Path
) -> None:
    write_manifest(build_manifest(source, dataset="toy", threads=1), tmp_path / "one.csv")
    shutil.copytree(folder, tmp_path / "elsewhere" / "deeper")
    moved = {**source, "path": str(tmp_path / "elsewhere" / "deeper")}
    write_manifest(build_manifest(moved, dataset="toy", threads=3), tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert source_root(moved) == tmp_path / "elsewhere" / "deeper"


def test_round_trip_of_awkward_names(tmp_path: Path) -> None:
    (tmp_path / "set" / "no").mkdir(parents=True)
    for name in (" a,b.png", 'q"uote.png', "NA.png", "e\u0301.png", "1e5.png"):
        Image.new("L", (4, 4)).save(tmp_path / "set" / "no" / name)
    manifest = build_manifest({"kind": "folder", "path": tmp_path / "set", "normal": "no"}, dataset="toy")
    write_manifest(manifest, tmp_path / "m.csv")
    back = read_manifest(tmp_path / "m.csv")
    assert back.equals(manifest)
    assert "no/\u00e9.png" in set(back["image_id"])  # composed, whatever the file system says


@pytest.mark.parametrize("column", ["path", "mask", "class", "split", "group"])
def test_a_carriage_return_is_refused(tmp_path: Path, column: str) -> None:
    """In a manifest, a split and a table of scores alike pandas writes it without quotes, as a row's end."""
    row = {"path": "ab.png", "label": "1", "mask": "m.png", "class": "ill", "split": "test", "group": "p1"}
    row[column] = f"a\r{row[column]}"
    for file in (row["path"], row["mask"]):
        Image.new("L", (4, 4)).save(tmp_path / file)
    cells = ",".join(f'"{cell}"' for cell in row.values())
    (tmp_path / "list.csv").write_bytes(f"{','.join(row)}\n{cells}\n".encode())
    received = re.escape(repr(row[column]))
    with pytest.raises(InputError, match=f"(?s)a carriage return in a name, class.*received: {received}"):
        build_manifest({"kind": "csv", "path": tmp_path / "list.csv"}, dataset="toy")


def test_every_problem_in_one_error(source: dict, folder: Path) -> None:
    (folder / "normal" / "empty.png").touch()
    (folder / "normal" / "text.png").write_text("no picture")
    cut = folder / "normal" / "normal_0.png"
    cut.write_bytes(cut.read_bytes()[:300])
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "masks" / "abnormal_7.png")
    (folder / "masks" / "abnormal_8.png").write_bytes(b"")
    Image.new("L", (4, 4)).save(folder / "masks" / "stray.png")
    with pytest.raises(InputError) as caught:
        build_manifest(source, dataset="toy")
    text = str(caught.value)
    assert "'toy'" in text
    assert ": 6 problems" in text
    for name in ("empty.png", "text.png", "normal_0.png", "abnormal_7.png", "abnormal_8.png", "stray.png"):
        assert name in text
    assert "mask 9 x 9, image 48 x 40" in text


def test_missing_files_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label,mask\na.png,0,\nb.png,1,c.png\n")
    Image.new("L", (4, 4)).save(tmp_path / "b.png")
    with pytest.raises(InputError) as caught:
        build_manifest({"kind": "csv", "path": tmp_path / "list.csv"}, dataset="toy")
    assert "a.png: no such file" in str(caught.value)
    assert "c.png: no such file" in str(caught.value)


def test_nothing_half_written_is_left(source: dict, tmp_path: Path) -> None:
    manifest = build_manifest(source, dataset="toy")
    manifest.loc[0, "image_id"] = manifest.loc[1, "image_id"]
    target = tmp_path / "results" / "m.csv"
    with pytest.raises(InputError, match="unique"):
        write_manifest(manifest, target)
    assert not target.parent.exists() or not list(target.parent.iterdir())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image_id,file\na,b\n",
        ",".join(COLUMNS) + "\na,a,x,2,c,,,\n",
        ",".join(COLUMNS) + "\n" + "a,a,x,1,c,,,\n" * 2,
    ],
)
def test_broken_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(InputError, match=r"m\.csv"):
        read_manifest(tmp_path / "m.csv")
    with pytest.raises(InputError, match="no such manifest"):
        read_manifest(tmp_path / "gone.csv")
