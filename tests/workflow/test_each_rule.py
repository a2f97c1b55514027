"""Each rule by itself: it needs no more than its declared inputs, and its digest knows all code that it runs.

One job after another runs in a folder that holds its inputs alone, watched (``run_alone.py``). A
configuration of phantoms has at least one job of each rule, and runs of each kind of input.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionmedclip.code_digest import code_digest, reached
from fusionmedclip.data.sources.kinds import CAPTION_LAYOUTS, SOURCE_KINDS
from fusionmedclip.methods import entry_points
from fusionmedclip.pipeline.environments import environment_digest
from fusionmedclip.pipeline.records import forget, record_path
from fusionmedclip.provenance import digest
from fusionmedclip.reporting.tables.formats import FORMATS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "fusionmedclip"
TARGETS = ("all", "crate", "acquire_clinic")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def listed(workflow) -> dict:
    """Rules and jobs of a workflow that has a job of each rule."""
    _draw_clinic(workflow.folder / "data/clinic")
    overlay = f"data: {workflow.folder}/data\n" + (HERE / "every_rule.yaml").read_text()
    (workflow.folder / "every_rule.yaml").write_text(overlay)
    _python(workflow.folder, HERE / "list_jobs.py", "jobs.json", "tiny.yaml,every_rule.yaml", *TARGETS)
    return json.loads((workflow.folder / "jobs.json").read_text())


def _draw_clinic(folder: Path) -> None:
    for number, name in enumerate(("well/0.png", "well/1.png", "well/2.png", "ill/0.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (64, 64), np.uint8)
        Image.fromarray(noise).save(folder / name)


def _python(folder: Path, *command: object) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.fixture(scope="module")
def done(workflow, listed) -> list[dict]:
    """What each job did, alone."""
    folder = workflow.folder
    _python(folder, HERE / "run_alone.py", folder / "jobs.json", folder, folder / "done.json")
    return json.loads((folder / "done.json").read_text())


def script_of(listed: dict, rule: str) -> Path:
    return (ROOT / "rules" / listed["rules"][rule]["script"]).resolve()


def entries_of(listed: dict, job: dict) -> tuple[str, ...]:
    """What a job calls and chooses: the method of a run, the settings that a verification compares."""
    params = json.loads(job["params"][0])
    given = params["arguments"]
    chosen: list[str] = []
    if job["rule"] in ("run_method", "learn_from_others"):
        chosen += entry_points(_kind(job))
    if job["rule"] == "verify_results":
        kinds = sorted({_kind(job) for job in listed["jobs"] if job["rule"] == "run_method"})
        chosen += [entry_points(kind)[1] for kind in kinds]
    if job["rule"] in ("build_table", "verify_results"):
        chosen += FORMATS.values()
    if job["rule"] == "list_dataset":
        chosen.append(SOURCE_KINDS[given["source"]["kind"]])
    if job["rule"] == "verify_results":
        chosen += [SOURCE_KINDS[kind] for kind in sorted({s["kind"] for s in given["sources"].values()})]
    if job["rule"] == "pretrain_backbone":
        chosen += [CAPTION_LAYOUTS[kind] for kind in sorted({given["captions"]["kind"], "csv"})]
    return (params["call"], *chosen)


def _kind(run: dict) -> str:
    return json.loads(run["params"][0])["arguments"]["settings"]["method"]["kind"]


def test_each_rule_has_a_job(listed):
    assert {job["rule"] for job in listed["jobs"]} == set(listed["rules"])


def test_each_digest_is_of_the_script_and_the_environment_that_its_rule_names(listed):
    for job in listed["jobs"]:
        params = json.loads(job["params"][0])
        digest_now = code_digest(script_of(listed, job["rule"]), entries_of(listed, job))
        assert params["code"] == digest_now, job["rule"]
        environment = (ROOT / "rules" / listed["rules"][job["rule"]]["conda"]).resolve()
        assert params["environment"] == environment_digest(environment, is_made=False), job["rule"]


def test_the_parameters_of_each_job_hold_those_of_the_jobs_above_it(listed):
    """So that a job that fails never leaves files below it that look as if they were made after it."""
    makers = {path: job for job in listed["jobs"] for path in job["output"]["files"]}
    for job in listed["jobs"]:
        above = {makers[p]["output"]["files"][0]: makers[p] for p in job["input"]["files"] if p in makers}
        digests = [digest(above[first]["params"][0]) for first in sorted(above)]
        assert json.loads(job["params"][0])["above"] == digest(digests)[:16], job["rule"]


def test_each_job_runs_with_its_declared_inputs_alone(done):
    failed = {(job["rule"], *job["wildcards"].values()): job["log"][-800:] for job in done if job["status"]}
    assert failed == {}


def test_each_job_leaves_a_record_of_what_it_was_made_with(listed, done):
    for job, seen in zip(listed["jobs"], done, strict=True):
        record = record_path("results/tiny", job["output"]["files"][0])
        assert str(record) in seen["written"], job["rule"]


def test_what_a_killed_job_leaves_is_known_to_its_next_attempt(listed, done, tmp_path):
    """Outputs are Snakemake's to remove, checkpoints the next save's; all else is ``forget``'s."""
    left = {}
    for number, (job, seen) in enumerate(zip(listed["jobs"], done, strict=True)):
        folder, outputs = tmp_path / str(number), job["output"]["files"]
        record = record_path("results/tiny", outputs[0])
        known = {*outputs, *job["log"], str(record), str(Path(outputs[0]).with_name("checkpoint"))}
        above = {str(parent) for path in known for parent in Path(path).parents}
        others = [
            name
            for name in seen["written"]
            if _is_ours(name) and not _within(name, known) and name not in above
        ]
        assert others, job["rule"]  # at least the record's own
        for name in sorted(others, reverse=True):  # folders after what is in them
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        forget(folder / record, *(str(folder / path) for path in outputs), is_alone=True)
        if rest := [name for name in others if (folder / name).exists()]:
            left[job["rule"], *job["wildcards"].values()] = rest
    assert left == {}


def test_no_job_asks_for_a_file_that_is_not_declared(workflow, listed, done):
    asked = {}
    for job, seen in zip(listed["jobs"], done, strict=True):
        known = {*job["input"]["files"], *job["output"]["files"], *job["log"], *seen["written"]}
        read = [name for name in seen["read"] if _is_ours(name) and not _is_part(name, seen["written"])]
        others = [name for name in read if not _within(name, known)]
        for name in seen["listed"]:
            if _is_ours(name) and not _within(name, known):
                files = [p.relative_to(workflow.folder).as_posix() for p in _files(workflow.folder / name)]
                others += [file for file in files if not _within(file, known)]
        if others:
            asked[job["rule"], *job["wildcards"].values()] = others
    assert asked == {}


def _is_ours(name: str) -> bool:
    """Files of the project and its results; not the code itself, whose digest is a parameter."""
    path = Path(name)
    if not path.is_absolute():
        return True
    code = path.suffix in (".py", ".pyc") or path.is_dir()
    return path.is_relative_to(ROOT) and not (code or path.is_relative_to(PACKAGE)) and ".venv" not in name


def _within(name: str, known: set[str]) -> bool:
    return any(str(path) in known for path in (Path(name), *Path(name).parents))


def _is_part(name: str, written: list[str]) -> bool:
    """What is opened relative to a folder that is open already, as rmtree does, has lost its path."""
    return "/" not in name and any(Path(path).name == name for path in written)


def _files(folder: Path) -> list[Path]:
    """Below a folder, code left out."""
    return [path for path in folder.rglob("*.*") if path.is_file() and path.suffix not in (".py", ".pyc")]


def test_each_digest_knows_every_function_and_data_file_that_its_job_uses(listed, done):
    unknown = {}
    for job, seen in zip(listed["jobs"], done, strict=True):
        known = _reached(script_of(listed, job["rule"]), entries_of(listed, job))
        used = {name for file, line in seen["functions"] if (name := definition(file, line))}
        data = {Path(f) for f in seen["read"] if Path(f).is_relative_to(PACKAGE)}
        kept = {f for f in data if f.suffix == ".py" or f.parent.name == "__pycache__"}
        used |= {f.relative_to(PACKAGE).as_posix() for f in data - kept}
        assert used, job["rule"]
        if used - known.keys():
            unknown[job["rule"], *job["wildcards"].values()] = sorted(used - known.keys())
    assert unknown == {}


def definition(file: str, line: int) -> str:
    """``module:name`` of what stands at the top of a module of the library and holds a line."""
    module = ".".join(["fusionmedclip", *Path(file).with_suffix("").parts]).removesuffix(".__init__")
    return next((f"{module}:{name}" for name, lines in _definitions(file) if line in lines), "")


@cache
def _definitions(file: str) -> list[tuple[str, range]]:
    nodes = [node for node in ast.parse((PACKAGE / file).read_text()).body if hasattr(node, "name")]
    first = [min([node.lineno, *(d.lineno for d in node.decorator_list)]) for node in nodes]
    return [(node.name, range(at, node.end_lineno + 1)) for node, at in zip(nodes, first, strict=True)]


_reached = cache(reached)


def test_breaking_what_a_rule_calls_changes_its_digest(listed, tmp_path):
    """And no comment, docstring or text of an error there does."""
    package, scripts = tmp_path / "fusionmedclip", tmp_path / "workflow_scripts"
    for source, copy in ((PACKAGE, package), (ROOT / "workflow_scripts", scripts)):
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    script = scripts / "run_job.py"
    calls = {json.loads(job["params"][0])["call"] for job in listed["jobs"]}
    for call in sorted(calls):
        before = code_digest(script, (call,), package=package)
        module, _, function = call.partition(":")
        path = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
        text = path.read_text()
        node = next(n for n in ast.parse(text).body if getattr(n, "name", None) == function)
        for edit, changes in ((_broken, True), (_reworded, False)):
            path.write_text(edit(text, node))
            assert (code_digest(script, (call,), package=package) != before) is changes, (call, edit.__name__)
        path.write_text(text)
    script.write_text(script.read_text() + "\nrun = None\n")
    assert code_digest(script, (call,), package=package) != before


def _broken(text: str, function: ast.FunctionDef) -> str:
    """Another statement at the end of a function, which returns something else."""
    lines = text.split("\n")
    lines.insert(function.end_lineno, "    return 'broken'")
    return "\n".join(lines)


def _reworded(text: str, function: ast.FunctionDef) -> str:
    """Another docstring, a comment, and other words in errors."""
    doc = function.body[0]
    lines = text.split("\n")
    lines[doc.lineno - 1 : doc.end_lineno] = ['    """Other words."""', "    # a comment"]
    return "\n".join(lines).replace('InputError(\n            "', 'InputError(\n            "Indeed: ')
