"""What a cluster is asked for, by the profile that comes with the project."""

import json
import logging
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_slurm.partitions import get_best_partition, read_partition_file

from fusionmedclip.config import load_config
from fusionmedclip.reporting.plan import plan

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def submissions(tmp_path_factory) -> list[dict]:
    """Of the whole protocol."""
    out = tmp_path_factory.mktemp("submissions") / "submissions.json"
    command = [sys.executable, HERE / "list_submissions.py", out, ROOT / "profiles/slurm", "", "all_tables"]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return json.loads(out.read_text())


def test_the_protocol_is_under_150_submissions(submissions):
    assert 60 < len(submissions) < 150
    assert plan(load_config([])).submissions == len(submissions)
    jobs = Counter(rule for submission in submissions for rule in submission["jobs"])
    assert jobs["run_method"] == jobs["compute_metrics"] == 405  # none was lost in a group


def test_no_submission_asks_for_a_second_gpu_or_for_more_than_a_day(submissions):
    asked = [
        submission["resources"] for submission in submissions if submission["name"] != "pretrain_backbone"
    ]
    assert {resources.get("gpu", 0) for resources in asked} == {0, 1}
    assert max(resources["runtime"] for resources in asked) < 24 * 60


def test_controls_and_zero_shot_rows_ask_for_no_gpu(submissions):
    """Eleven statistics of files and pixels, two rows of Table 8; three data sets, three seeds."""
    without = [s for s in submissions if "run_method" in s["jobs"] and not s["resources"]["gpu"]]
    assert sum(s["jobs"].count("run_method") for s in without) == (11 + 2) * 3 * 3


def test_the_page_counts_them(submissions):
    """The table of docs/cluster.md: group, submissions, jobs."""
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| ", page, re.MULTILINE)
    jobs: dict[str, list[int]] = defaultdict(list)
    for submission in submissions:
        jobs[submission["name"]].append(len(submission["jobs"]))
    found = {name: (len(counts), sum(counts)) for name, counts in jobs.items()}
    assert {name: (int(count), int(total)) for name, count, total in rows} == found


def test_the_partitions_of_the_page_take_them_all(submissions, tmp_path):
    """As Snakemake's executor chooses; controls and zero-shot rows wait for no GPU."""
    page = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    (example,) = re.findall(r'^```\{ \.yaml title="partitions.yaml" \}\n(.*?)^```', page, re.M | re.S)
    (tmp_path / "partitions.yaml").write_text(example)
    partitions = read_partition_file(tmp_path / "partitions.yaml")
    for submission in submissions:
        job = SimpleNamespace(name="a job", threads=1, resources=submission["resources"])
        chosen = get_best_partition(partitions, job, logging.getLogger())
        assert chosen == ("gpu" if submission["resources"].get("gpu") else "cpu")
