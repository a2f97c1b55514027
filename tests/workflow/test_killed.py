"""Killed at random moments and started again by the same command, a workflow ends as one that was not."""

import os
import signal
import time

import pytest

from tests.patience import ending, until
from tests.workflow.killed import DATA, empty, kill_often, left_over, make_copy, processes_in, start

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A copy of the project in which everything has run, and the seconds that took."""
    folder = make_copy(tmp_path_factory.mktemp("killed").resolve() / "project")
    begun = time.monotonic()
    head = start(folder, DATA)
    printed = head.communicate(timeout=600)[0]
    assert head.returncode == 0, printed
    assert not left_over(folder)
    return folder, time.monotonic() - begun


def test_five_kills(finished):
    folder, seconds = finished
    said = []
    counts = kill_often(folder, 5, seed=1, target=DATA, seconds=seconds, say=said.append)
    assert counts["wrong"] == 0, "\n".join(said)


def test_what_jobs_killed_by_themselves_had_half_written_goes(finished):
    """The head lives on, and says so; nothing tells the next start that one was killed."""
    folder, _ = finished
    empty(folder)
    drawn = folder / "results/tiny/datasets/busi"
    source = folder / "fusionmedclip/data/phantoms/writing.py"
    text = source.read_text()
    drawing = "        for lesion, index in _progress(jobs"
    assert text.count(drawing) == 1
    source.write_text(text.replace(drawing, f"        __import__('time').sleep(600)\n{drawing}"))
    head = start(folder, DATA)
    until(lambda: list(drawn.glob(".phantoms.*.part/normal")), by=head)
    for victim in [pid for pid, command in processes_in(folder).items() if "run_job.py" in command]:
        os.kill(victim, signal.SIGKILL)
    printed = head.communicate(timeout=300)[0]
    assert head.returncode
    assert "draw_phantoms" in printed
    assert list(drawn.glob(".phantoms.*.part"))
    source.write_text(text)
    again = start(folder, DATA)
    printed = again.communicate(timeout=600)[0]
    assert again.returncode == 0, printed
    assert "an earlier start was killed" not in printed
    assert not left_over(folder)


def test_a_head_killed_at_work_is_named_at_the_next_start(finished):
    """The moments above are drawn, and may fall before the folder is held or after all is done."""
    folder, _ = finished
    empty(folder)
    head = start(folder, DATA)
    until(lambda: list(folder.glob(".snakemake/locks/*")), by=head)
    os.killpg(head.pid, signal.SIGKILL)
    head.communicate()
    again = start(folder, DATA)
    printed = again.communicate(timeout=600)[0]
    assert again.returncode == 0, printed
    assert "an earlier start was killed" in printed
    assert not left_over(folder)


def test_two_living_pipelines_in_one_folder_are_refused(finished):
    """The first stands still once it has begun a job, so that it lives for as long as the second looks."""
    folder, _ = finished
    empty(folder)
    named = (folder / ".snakemake/heads").glob  # what jobs that have begun will write
    with ending(start(folder, DATA)) as first:
        until(lambda: any(path.stat().st_size for path in named("*.jobs")), by=first)
        first.send_signal(signal.SIGSTOP)
        with ending(start(folder, DATA)) as second:
            refusal = second.communicate(timeout=600)[0]
        first.send_signal(signal.SIGCONT)
        printed = first.communicate(timeout=600)[0]
    assert second.returncode
    assert f"another pipeline works in this folder: process {first.pid}" in refusal
    assert "cannot be locked" in refusal
    assert first.returncode == 0, printed
    assert "steps (100%) done" in printed
    assert not left_over(folder)
