"""A clinic's DICOM files, identity in each header, commands as names, through the workflow to its archive."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import yaml

from fusionmedclip.data.phantoms import draw_phantom
from tests.lab.dicoms import projection
from tests.lab.identity import WORDS, found_in, plant
from tests.lab.test_names_like_commands import NAMES

pytestmark = pytest.mark.slow

WELL, ILL = "we ll; touch PWNED", "$(touch PWNED) {y}"
FOLDER = "clinic 'of' \"{x}\""
ENTRY = {
    "title": "Ours, $(touch PWNED) `touch PWNED` {z}",
    "source": {"kind": "folder", "path": FOLDER, "normal": [WELL], "abnormal": [ILL]},
    "test": {"normal": 6, "abnormal": 6},
}
TABLES = {
    "table6": None, "table7": None, "table8": None, "controls": None,
    "ours": {"title": "Ours; touch PWNED", "metric": "image_auroc", "rows": "dataset_k", "datasets": ["mine"],
             "shots": [4], "methods": ["mean_brightness", "patchcore", "fusionmedclip"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def mine(workflow) -> list[Path]:
    """21 normal files and 8 with a lesion, named like commands."""
    made = []
    for index in range(len(NAMES) + 8):
        lesion = index >= len(NAMES)
        path = projection(workflow.folder / FOLDER / (ILL if lesion else WELL) / "one.dcm", size=(64, 64))
        header = pydicom.dcmread(path)
        image = draw_phantom("chest_xray", size=64, lesion=lesion, seed=7, index=index).image
        header.PixelData = np.rint(image * 4095).astype(np.uint16).tobytes()
        header.save_as(path)
        named = path.with_name(f"{NAMES[index % len(NAMES)]}.dcm")
        plant(path, BurnedInAnnotation="NO").rename(named)
        made.append(named)
    (workflow.folder / "mine.yaml").write_text(
        yaml.safe_dump({"data": ".", "datasets": {"busi": None, "mine": ENTRY}, "tables": TABLES})
    )
    return made


@pytest.fixture(scope="module")
def said(workflow, mine) -> str:
    """All that is printed on the way to tables, figures, report and archive, and by who looks at them."""
    printed = workflow.run("--configfile", "tiny.yaml", "mine.yaml", "--", "all_tables", "figures", "crate")
    for command in ("verify results/tiny", "trace ours mine patchcore 4 --results results/tiny"):
        done = subprocess.run(
            [Path(sys.executable).with_name("fusionmedclip"), *command.split()],
            cwd=workflow.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        printed += done.stdout + done.stderr
    return printed


def test_names_like_commands_reach_every_job_and_none_runs(workflow, said, mine) -> None:
    results = workflow.folder / "results/tiny"
    manifest = pd.read_csv(results / "datasets/mine/manifest.csv")
    assert {Path(name).name for name in manifest["image_id"]} == {path.name for path in mine}
    assert len(pd.read_csv(results / "tables/ours.csv")) == 3
    assert not list(workflow.folder.rglob("PWNED"))
    made = [path.relative_to(results).as_posix() for path in results.rglob("*")]
    assert [name for name in made if set(name) & set("\n;$`'\"{}|&<>*~!\\# ")] == []
    for page in results.rglob("*.html"):
        assert "<script>touch" not in page.read_text(), page


def test_who_a_patient_is_reaches_no_table_page_log_or_archive(workflow, said, mine) -> None:
    assert set(found_in(mine[0].read_bytes())) == set(WORDS)
    assert found_in(said.encode()) == []
    written = [path for path in (workflow.folder / "results").rglob("*") if path.is_file()]
    written += [path for path in (workflow.folder / ".snakemake").rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"crate.zip", "report.html", "write_report.log", "ours.html"}
    assert [path for path in written if found_in(path.read_bytes())] == []
