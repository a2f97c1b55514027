"""One file of finished results changed, deleted or added at a time: it is named, and it alone."""

import json
import re
import shutil
from pathlib import Path

import pytest

from fusionmedclip.reporting.verification.findings import claims_broken
from fusionmedclip.reporting.verification.verify import verify_results

KINDS = {
    "datasets": ["duplicates.csv", "images.npy", "manifest.csv", "masks.npy", "split_paper.csv"],
    "support": ["k2_seed0.csv"],
    "backbones": ["model.safetensors", "open_clip_config.json", "settings.json"],
    "runs": ["provenance.json", "training_log.csv", "weights/weights.safetensors"],
    "scores": ["examples.npz", "pixel_counts.npz", "scores.csv"],
    "metrics": ["seed0.json"],
    "tables": [
        "images/row_1.csv", "images.csv", "images.md", "images.tex", "images.html", "images.inputs.json",
        "images_comparisons.csv", "images_ranks.csv", "images_metrics.csv", "images_verdicts.csv",
        "pixels/row_1.csv", "pixels.csv", "pixels.md", "pixels.tex", "pixels.html", "pixels.inputs.json",
        "pixels_comparisons.csv", "pixels_ranks.csv", "pixels_metrics.csv", "pixels_verdicts.csv",
        "table_a1.csv", "table_a1.md", "table_a1.tex", "table_a1.html", "table_a1.inputs.json",
    ],
}  # fmt: skip
"""A file of every kind that the stages write for runs and tables, and that these read."""

FILES = [f"{folder}/{name}" for folder, names in KINDS.items() for name in names]


def _only(results: Path, ending: str) -> str:
    """The first file of a kind, relative to the results."""
    folder, _, name = ending.partition("/")
    found = sorted(p for p in (results / folder).rglob("*") if f"/{p.as_posix()}".endswith(f"/{name}"))
    return next(p for p in found if p.is_file()).relative_to(results).as_posix()


def test_finished_results_hold_wherever_they_lie(results, asked_of_small) -> None:
    found = verify_results(results, asked=asked_of_small)
    assert found.findings == ()
    assert (found.tables, found.cells, found.met, found.runs) == (5, 3, 3, 4)


def test_no_kind_of_file_is_left_out(finished) -> None:
    """What the stages wrote is, seeds, runs and rows apart, what the tests below change."""
    folders = ("runs", "scores", "metrics", "support", "tables")
    written = {p.relative_to(finished) for f in folders for p in (finished / f).rglob("*") if p.is_file()}
    tried = {re.sub(r"\d+", "0", name) for names in KINDS.values() for name in names}
    for path in written:
        kind = re.sub(r"\d+", "0", path.as_posix())
        assert any(kind.endswith(f"/{name}") for name in tried), path


def test_changed_line_ends_are_said_to_be_why(results) -> None:
    """As git writes text on a system of CRLF; a file with other changes too is altered and no more."""
    split, scores = (_only(results, name) for name in ("datasets/split_paper.csv", "scores/scores.csv"))
    for name, more in ((split, b""), (scores, b"x\r\n")):
        (results / name).write_bytes((results / name).read_bytes().replace(b"\n", b"\r\n") + more)
    why = {finding.file: finding.why for finding in verify_results(results).findings}
    assert {split, scores} <= why.keys()
    assert "CRLF" in why[split]
    assert "CRLF" not in why[scores]


@pytest.mark.parametrize("ending", FILES)
def test_a_file_changed_by_one_byte_is_named_alone(results, ending: str) -> None:
    name = _only(results, ending)
    content = (results / name).read_bytes()
    (results / name).write_bytes(
        content[:-2] + bytes([content[-2] ^ 1]) + content[-1:] if content[1:] else b"x"
    )
    found = verify_results(results)
    assert [(f.file, f.what) for f in found.findings] == [(name, "altered")]


DELETED = [f"{folder}/{names[0]}" for folder, names in KINDS.items()]


@pytest.mark.parametrize(
    "ending", [*DELETED, "datasets/manifest.csv", "scores/scores.csv", "tables/images.inputs.json"]
)
def test_a_deleted_file_is_named_alone(results, ending: str) -> None:
    name = _only(results, ending)
    (results / name).unlink()
    found = verify_results(results)
    assert [(f.file, f.what) for f in found.findings] == [(name, "deleted")]


@pytest.mark.parametrize(
    "ending", ["runs/provenance.json", "metrics/seed0.json", "tables/images.inputs.json"]
)
@pytest.mark.parametrize("content", [b"[]", b"[" * 9000, b'\xff{"provenance": 7}'])
def test_a_record_of_nonsense_is_named_alone(results, ending: str, content: bytes) -> None:
    name = _only(results, ending)
    (results / name).write_bytes(content)
    assert [f.file for f in verify_results(results).findings] == [name]


ADDED = [
    "metrics/busi/paper/patchcore/k2/seed7.json",
    "metrics/busi/paper/squid/k2/seed0.json",
    "learnt/busi/paper/regad/seed7/weights.safetensors",
    "scores/busi/paper/patchcore/k2/seed0/more.csv",
    "runs/busi/paper/patchcore/k2/seed0/weights/more.safetensors",
    "support/busi/paper/k2_seed9.csv",
    "tables/images/row_3.csv",
    "tables/notes.md",
]


@pytest.mark.parametrize("name", ADDED)
def test_an_added_file_is_named(results, name: str) -> None:
    (results / name).parent.mkdir(parents=True, exist_ok=True)
    (results / name).write_text("x")
    found = verify_results(results)
    assert [(f.file, f.what) for f in found.findings] == [(name, "added")]
    assert found.met == found.cells


def test_nothing_is_called_added_of_a_run_whose_record_was_altered(results) -> None:
    name = "runs/busi/paper/patchcore/k2/seed0/provenance.json"
    (results / name).write_text(json.dumps({**json.loads((results / name).read_text()), "outputs": {}}))
    assert [(f.file, f.what) for f in verify_results(results).findings] == [(name, "altered")]


def test_twelve_digits_tell_what_is_there_from_what_was_recorded() -> None:
    held = {"a": "0123456789abcdef", "b": "0" * 64, "c": "1" * 64}
    assert list(claims_broken("r.json", held, {"a": "fedcba9876543210", "b": None, "c": "1" * 64})) == [
        ("a", "altered", "fedcba987654, where r.json holds 0123456789ab"),
        ("b", "deleted", "r.json names it"),
    ]


def test_a_whole_run_more_is_named_file_by_file(results) -> None:
    """The metrics, scores and files of one more seed, each as whole as the first's."""
    for folder in ("runs", "scores"):
        run = results / folder / "busi/paper/patchcore/k2"
        shutil.copytree(run / "seed0", run / "seed2")
    metrics = results / "metrics/busi/paper/patchcore/k2"
    shutil.copy(metrics / "seed0.json", metrics / "seed2.json")
    found = verify_results(results)
    added = {p.relative_to(results).as_posix() for p in results.rglob("seed2*/**/*") if p.is_file()}
    assert {f.file for f in found.findings} == added | {"metrics/busi/paper/patchcore/k2/seed2.json"}
    assert {f.what for f in found.findings} == {"added"}


def test_a_whole_run_less_is_named_file_by_file(results) -> None:
    gone = []
    for folder in ("runs", "scores", "metrics"):
        for path in [*(results / folder).rglob("seed1*/**/*"), *(results / folder).rglob("seed1.json")]:
            if path.is_file() and "patchcore" in path.parts:
                gone.append(path.relative_to(results).as_posix())
                path.unlink()
    found = verify_results(results)
    named = {f.file for f in found.findings}
    assert {
        "metrics/busi/paper/patchcore/k2/seed1.json",
        "scores/busi/paper/patchcore/k2/seed1/scores.csv",
    } == {name for name in named if "/weights/" not in name and "patchcore" in name} & set(gone) & named
    assert {f.what for f in found.findings} == {"deleted"}
    assert found.met == 1


def test_hidden_files_are_no_results(results) -> None:
    (results / "tables/.DS_Store").write_bytes(b"x")
    (results / "runs/busi/.snakemake_timestamp").touch()
    assert verify_results(results).holds


def test_cells_that_rest_on_a_named_file_are_counted(results) -> None:
    record = results / "metrics/busi/paper/patchcore/k2/seed0.json"
    record.write_text(json.dumps(json.loads(record.read_text())))  # the same numbers, other bytes
    found = verify_results(results)
    assert (found.cells, found.met) == (3, 1)
