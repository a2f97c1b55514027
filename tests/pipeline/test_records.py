"""Records of what results were made with: by the job that made them, and gone while it runs."""

import json
import subprocess
import sys

from fusionmedclip.pipeline.records import differs, forget, record_path, remember

PARAMS = {
    "call": "json:loads",
    "arguments": {"k": 4, "layers": [1, 2]},
    "asks": [],
    "code": "c0de",
    "environment": "e4f",
    "above": "ab",
}
JOB = """
import runpy
from types import SimpleNamespace
from snakemake.iocontainers import InputFiles, OutputFiles
job = SimpleNamespace(
    rule="job", log=["log"], config={{"results": "results"}}, threads=1, resources={{}},
    input=InputFiles(), output=OutputFiles(["results/a/b.csv"]), params=[{params!r}],
)
runpy.run_path({script!r}, {{"snakemake": job}})
"""


def test_a_record_lies_among_the_results_at_the_path_of_the_file(tmp_path):
    assert record_path("results/tiny/", "results/tiny/scores/a.csv") == record_path(
        "./results/tiny", "results/tiny/scores/a.csv"
    )
    path = record_path(tmp_path, tmp_path / "backbones/clip/settings.json")
    assert path == tmp_path / "records/backbones/clip/settings.json.json"


def test_it_tells_every_change_and_no_order(tmp_path):
    record = tmp_path / "records/a.json"
    assert differs(record, PARAMS)  # nobody knows
    remember(record, PARAMS)
    assert not differs(record, dict(reversed(PARAMS.items())))
    changes = [{"arguments": {"k": 4, "layers": [2, 1]}}, {"call": "json:dumps"}, {"asks": ["gpus"]}]
    for change in [*changes, {"code": ""}, {"environment": ""}, {"above": ""}]:
        assert differs(record, {**PARAMS, **change})
    forget(record)
    forget(record)
    assert differs(record, PARAMS)


def test_a_job_leaves_a_record_when_it_succeeds_and_none_when_it_fails(tmp_path, root):
    record = tmp_path / "results/records/a/b.csv.json"
    for text, status in (("{}", 0), ("{", 1)):
        params = {**PARAMS, "arguments": {"s": text}}
        code = JOB.format(script=str(root / "workflow_scripts/run_job.py"), params=json.dumps(params))
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True)
        assert done.returncode == status, done.stderr
        assert differs(record, params) is bool(status)
        assert record.exists() is not bool(status)
