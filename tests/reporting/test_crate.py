"""The archive: an RO-Crate whose files are there with the hashes it states, and the same bytes each time."""

import hashlib
import json
import zipfile

import pytest

pytest.importorskip("rocrate")

from rocrate.rocrate import ROCrate

from fusionmedclip.reporting import crate
from fusionmedclip.reporting.crate import write_crate

RUN = "busi/paper/squid/k4/seed0"


@pytest.fixture
def arguments(tmp_path):
    results, code = tmp_path / "results", tmp_path / "code"
    record = {"provenance": {"commit": "abc", "packages": {"numpy": "9.9"}, "device": "cpu"}}
    files = {
        "tables/table6.csv": "a\n",
        "report.html": "<p>",
        "datasets/busi/datasheet.json": json.dumps(
            {"dataset": "busi", "images": 7, "licence": "CC0", "citation": "X 2020"}
        ),
        f"metrics/{RUN}.json": json.dumps(record),
        f"scores/{RUN}/scores.csv": "s\n",
        f"scores/{RUN}/pixel_counts.npz": "n",
        f"scores/{RUN}/examples.npz": "pictures",
        "support/busi/paper/k4_seed0.csv": "i\n",
    }
    for name, text in files.items():
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(text)
    (code / "rules/captions").mkdir(parents=True)
    (code / "rules/captions/b.rst").write_text("b\n")
    (code / "Snakefile").write_text("rule all:\n")
    (code / "rules" / "a.smk").write_text("# a\n")
    return {
        "results": results,
        "files": [results / "tables/table6.csv", results / "report.html"],
        "metrics": [results / f"metrics/{RUN}.json"],
        "datasheets": [results / "datasets/busi/datasheet.json"],
        "titles": {"busi": "BUSI"},
        "workflow": code / "Snakefile",
        "configuration": {"tier": "demo"},
        "out": results / "crate.zip",
    }


def test_it_is_a_crate_that_its_library_reads(arguments, tmp_path):
    write_crate(**arguments)
    with zipfile.ZipFile(arguments["out"]) as archive:
        archive.extractall(tmp_path / "opened")
    crate = ROCrate(tmp_path / "opened")
    assert crate.mainEntity.id == "workflow/Snakefile"
    assert "ComputationalWorkflow" in crate.mainEntity.type
    busi = crate.dereference("#busi")
    assert (busi["name"], busi["usageInfo"], busi["citation"]) == ("BUSI", "CC0", "X 2020")
    action = crate.dereference("#runs")
    assert {made.id for made in action["result"]} == {"tables/table6.csv", "report.html"}
    assert "numpy 9.9" in action["description"]


def test_every_file_is_listed_with_its_hash_and_the_other_way_round(arguments):
    write_crate(**arguments)
    with zipfile.ZipFile(arguments["out"]) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    graph = json.loads(held.pop("ro-crate-metadata.json"))["@graph"]
    files = {e["@id"]: e for e in graph if "File" in e["@type"]}
    assert set(files) == set(held)
    code = {
        "Snakefile",
        "rules/a.smk",
        "rules/captions/b.rst",
    }
    assert {f"workflow/{name}" for name in code} <= set(held)
    assert {f"scores/{RUN}/scores.csv", "support/busi/paper/k4_seed0.csv"} <= set(held)
    stated = {name: entity["sha256"] for name, entity in files.items() if "sha256" in entity}
    assert len(stated) == len(held) - 1  # all but the configuration, which is written into the archive
    assert stated == {name: hashlib.sha256(held[name]).hexdigest() for name in stated}


def test_no_maps_of_single_images_are_packed(arguments):
    write_crate(**arguments)
    with zipfile.ZipFile(arguments["out"]) as archive:
        assert not [name for name in archive.namelist() if "examples" in name]


def test_equal_contents_are_equal_bytes(arguments, monkeypatch):
    """Whether or not git says here of when the commit is."""
    monkeypatch.setattr(crate, "commit_date", lambda: "2026-01-02T03:04:05+00:00")
    write_crate(**arguments)
    first = arguments["out"].read_bytes()
    for path in arguments["results"].rglob("*.csv"):
        path.touch()
    write_crate(**arguments)
    assert arguments["out"].read_bytes() == first
