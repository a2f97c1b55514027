"""The curation page counts, for each support set of the tables, the test images it has seen already."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionmedclip.pipeline import datasets
from fusionmedclip.randomness import generator
from fusionmedclip.reporting.report.curation import write_curation_page


@pytest.fixture
def source(tmp_path: Path) -> dict:
    """Six normal pictures, each twice; four abnormal ones."""
    for number in range(16):
        key = number // 2 if number < 12 else number
        coarse = generator(key, "test curation stage").integers(0, 256, (8, 8)).astype(np.uint8)
        name = "well" if number < 12 else "ill"
        path = tmp_path / "set" / name / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((48, 40), Image.Resampling.BICUBIC).save(path)
    return {"kind": "folder", "path": str(tmp_path / "set"), "normal": ["well"], "abnormal": ["ill"]}


def test_leaks_of_both_splits_are_on_the_page(tmp_path: Path, source: dict) -> None:
    (tmp_path / "toy").mkdir()
    names = ("manifest", "curation", "duplicates", "page.html")
    file = {name: str(tmp_path / "toy" / name) for name in names}
    datasets.list_dataset(dataset="toy", source=source, manifest=file["manifest"])
    common = {"source": source, "manifest": file["manifest"]}
    datasets.curate_dataset(dataset="toy", curation=file["curation"], duplicates=file["duplicates"], **common)
    splits, leaked = {}, {}
    for name in ("paper", "grouped"):
        split, support = str(tmp_path / f"{name}.csv"), str(tmp_path / f"{name}_k3.csv")
        datasets.split_dataset(
            manifest=file["manifest"],
            duplicates=file["duplicates"],
            name=name,
            test={"normal": 6},
            seed=0,
            out=split,
        )
        datasets.sample_support(split=split, k=3, seed=0, dataset="toy", supports="nested", out=support)
        splits[name] = {"file": split, "supports": [[3, 0, support]]}
        # naively: picture n is the double of n ^ 1
        parts = pd.read_csv(split).set_index("image_id")["part"]
        doubles = {f"well/{int(Path(i).stem) ^ 1:02}.png" for i in pd.read_csv(support)["image_id"]}
        leaked[name] = sum(parts[double] == "test" for double in doubles)
    write_curation_page(
        sources={"toy": source},
        manifests=[file["manifest"]],
        curations=[file["curation"]],
        duplicates=[file["duplicates"]],
        splits={"toy": splits},
        out=file["page.html"],
    )
    page = Path(file["page.html"]).read_text()
    assert leaked["paper"] > 0
    assert leaked["grouped"] == 0
    head, _, table = page.partition("Test images with a duplicate in the support sets of the tables")
    assert head
    for name, count in leaked.items():
        cells = "".join(f"<td class='n'>{value}</td>" for value in (3, 0, count, 10))
        assert f"<tr><td>{name}</td>{cells}</tr>" in table
