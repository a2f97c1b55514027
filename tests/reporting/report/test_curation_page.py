"""The curation page: self-contained, complete, safe against odd names."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.data.curation.curate import curate
from fusionmedclip.data.sources.manifest import build_manifest
from fusionmedclip.errors import InputError
from fusionmedclip.randomness import generator
from fusionmedclip.reporting.report.curation_page import curation_page


@pytest.fixture
def curated(tmp_path: Path):
    """A data set with a label conflict, a pair of copies and a name that is markup."""
    rng = generator(0, "test curation page")
    root = tmp_path / "set"
    names = ["no/a.png", "no/b <i>&'x'.png", "no/c.png", "yes/d.png", "yes/e.png", "masks/d.png"]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.kron(rng.integers(0, 255, (6, 8)), np.ones((8, 8))).astype(np.uint8)
        Image.fromarray(pixels if "masks" not in name else (pixels > 128).astype(np.uint8) * 255).save(
            root / name
        )
    (root / "no" / "b copy.png").write_bytes((root / names[1]).read_bytes())
    (root / "yes" / "e.png").write_bytes((root / "no" / "c.png").read_bytes())
    source = {"kind": "folder", "path": str(root), "normal": "no", "abnormal": "yes", "mask_folder": "masks"}
    manifest = build_manifest(source, dataset="toy")
    curation, marked = curate(manifest, root, dataset="toy")
    return curation, marked, root


def test_page_is_complete_and_stands_alone(curated, tmp_path: Path) -> None:
    curation, manifest, root = curated
    target = tmp_path / "out" / "page.html"
    curation_page([curation], {"toy": manifest}, {"toy": root}, target)
    page = target.read_text(encoding="utf-8")
    assert re.findall(r"(?:src|href)='(?!data:image/jpeg|#)", page) == []
    assert "http" not in page
    assert "<script" not in page
    assert page.count("<figure>") == 4  # the conflict and the copies
    assert "The same picture is called normal and abnormal (1)" in page
    assert "The same file under several names (1)" in page
    assert "b &lt;i&gt;&amp;&#x27;x&#x27;.png" in page
    assert "<i>" not in page
    assert [p.name for p in target.parent.iterdir()] == ["page.html"]
    again = tmp_path / "again.html"
    curation_page([curation], {"toy": manifest}, {"toy": root}, again)
    assert again.read_bytes() == target.read_bytes()


def test_leaks_of_the_tables_are_shown(curated, tmp_path: Path) -> None:
    curation, manifest, root = curated
    leaks = pd.DataFrame([("paper", 4, 0, 3, 77)], columns=["split", "k", "seed", "leaked", "tested"])
    page = tmp_path / "page.html"
    curation_page([curation], {"toy": manifest}, {"toy": root}, page, leaks={"toy": leaks})
    assert "<td>paper</td><td class='n'>4</td><td class='n'>0</td><td class='n'>3</td>" in page.read_text()


def test_more_than_wanted_is_counted(curated, tmp_path: Path) -> None:
    curation, manifest, root = curated
    curation_page([curation], {"toy": manifest}, {"toy": root}, tmp_path / "page.html", most=0)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 0
    assert page.count("and 1 more") == 2


def test_nothing_is_left_when_a_picture_is_gone(curated, tmp_path: Path) -> None:
    curation, manifest, root = curated
    (root / "yes" / "e.png").unlink()
    with pytest.raises(InputError, match=r"e\.png: no such file"):
        curation_page([curation], {"toy": manifest}, {"toy": root}, tmp_path / "out" / "page.html")
    assert not (tmp_path / "out").exists()
