"""What is tried again and what is not, and what is fetched beforehand."""

import pytest

pytestmark = pytest.mark.slow

PHANTOMS = "results/tiny/datasets/busi/phantoms"
SPLIT = "results/tiny/datasets/busi/split_paper.csv"
SCRIPT = "workflow_scripts/run_job.py"


def test_a_job_that_was_ended_is_tried_again(workflow):
    """As by the kernel for want of memory: 128 + 9."""
    with workflow.edited(SCRIPT, "    params = json.loads(", "    os._exit(137)\n    params = json.loads("):
        printed = workflow.run("--retries", "2", "--", PHANTOMS, ok=False)
    assert printed.count("Trying to restart") == 2


def test_an_input_error_is_not(workflow):
    """A test set of 20 normals from 14."""
    with workflow.edited("tiny.yaml", "test: {normal: 8, ", "test: {normal: 20, "):
        printed = workflow.run("--retries", "2", "--", SPLIT, ok=False)
    assert "Trying to restart" not in printed
    log = workflow.folder / "results/tiny/logs/split_dataset/busi_paper.log"
    assert log.with_name(f"{log.name}.refused").exists()


def test_once_it_is_mended_the_job_runs_and_nothing_is_refused_any_more(workflow):
    stale = workflow.folder / "results/tiny/logs/run_method/another.log.refused"  # of an earlier start
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.touch()
    workflow.run("--retries", "2", "--", SPLIT)
    assert not list((workflow.folder / "results/tiny/logs").rglob("*.refused"))


def test_prefetch_is_all_that_wants_a_network(workflow):
    """Two stock backbones here; phantoms are drawn."""
    assert workflow.plan("prefetch") == {"make_backbone": 2, "prefetch": 1}
