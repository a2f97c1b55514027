"""Tables of the documents that list what the code has: nothing is missing, nothing is there no more."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fusionmedclip.metrics.pixel import PixelCounts
from fusionmedclip.metrics.summary import image_metrics, pixel_metrics
from fusionmedclip.reporting.figures.catalogue import FIGURES

ROOT = Path(__file__).resolve().parents[2]


def first_cells(page: str, start: str) -> set[str]:
    """The code in the first cells of the tables of a page whose head begins with ``start``."""
    text = (ROOT / page).read_text(encoding="utf-8")
    tables = re.findall(rf"^\| {re.escape(start)}.*\n\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [line.split("|")[1] for table in tables for line in table.splitlines()]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_readme_lists_every_folder():
    """Of the library to the second level; a method's folder goes by ``baselines/``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed, top = set(), ""
    for indent, name in re.findall(
        r"^( {2}| {4})(\w+)/ ", text[text.index("\nfusionmedclip/\n") :], re.MULTILINE
    ):
        top = name if len(indent) == 2 else top
        listed.add(name if len(indent) == 2 else f"{top}/{name}")
    package = ROOT / "fusionmedclip"
    found = {path.parent.relative_to(package).as_posix() for path in package.rglob("__init__.py")} - {"."}
    assert listed == {name for name in found if name.count("/") < 2 and not name.startswith("baselines/")}


def test_the_readme_lists_every_folder_of_the_project():
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout, which would say what belongs to the project")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {line.partition("/")[0] for line in tracked.splitlines() if "/" in line}
    assert first_cells("README.md", "folder") >= {f"{name}/" for name in folders if not name.startswith(".")}


def test_figures_that_are_listed_are_there():
    """A figure's caption says what it is; the page lists those of the configurations that come along."""
    listed = {re.sub(r"_?\{\w+\}$", "", name) for name in first_cells("docs/results.md", "file below")}
    assert listed - {"curation.html"} <= set(FIGURES)
    assert len(listed) > 5


def test_every_metric_of_a_run_is_listed():
    rng = np.random.default_rng(0)
    masks = np.eye(8, dtype=bool)[None].repeat(2, axis=0)
    counts = PixelCounts().update(rng.random((2, 8, 8), dtype=np.float32), masks)
    made = {**image_metrics(np.array([0, 1] * 8), rng.random(16)), **pixel_metrics(counts)}
    assert first_cells("docs/metrics.md", "name in a metrics file") == set(made)
