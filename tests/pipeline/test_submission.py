"""What the head asks SLURM, answered by stand-ins of its commands."""

import sys
from pathlib import Path

import pytest

from fusionmedclip.errors import InputError
from fusionmedclip.pipeline import submission


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Makes a command that prints the lines of a file, and is the only one of its name."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(name: str, text: str) -> Path:
        said, path = tmp_path / f"{name}.txt", tmp_path / name
        said.write_text(text)
        path.write_text(f"#!{sys.executable}\nprint(open({str(said)!r}).read(), end='')\n")
        path.chmod(0o755)
        return said

    return make


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("accounting_storage/none", False), ("(null)", False), ("accounting_storage/slurmdbd", True)],
)
def test_accounts_are_kept_where_scontrol_says_so(command, kind, kept):
    command("scontrol", f"AccountingStorageTRES   = cpu\nAccountingStorageType   = {kind}\n")
    assert submission.keeps_accounts() is kept


def test_without_scontrol_nothing_is_changed(command):
    assert submission.keeps_accounts()


def test_jobs_of_this_folder_that_snakemake_submitted_are_the_earlier_ones(command, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command(
        "squeue",
        f"7|{tmp_path}|rule_run_method_wildcards_busi|k4\n"
        f"8|{tmp_path}|group_minutes_compute_metrics_run_method\n"
        f"9|{elsewhere}|rule_run_method\n"
        f"10|{tmp_path}|(null)\n",
    )
    assert submission.earlier_jobs(str(tmp_path)) == ["7", "8"]


def test_they_are_waited_for_and_named_once(command, tmp_path, capsys):
    said = command("squeue", f"7|{tmp_path}|rule_x\n8|{tmp_path}|rule_y\n")
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        said.write_text(f"8|{tmp_path}|rule_y\n" if len(waits) == 1 else "")

    submission.wait_for_earlier(str(tmp_path), sleep=sleep)
    assert waits == [submission.POLL] * 2
    printed = capsys.readouterr().err
    assert printed.count("scancel") == 1
    assert printed.endswith("scancel 7 8\n")


def test_no_answer_is_not_the_answer_that_none_runs(command, tmp_path, capsys):
    """A controller that is busy, or a squeue that fails: asked again, and then the head says so and stops."""
    fails = f"#!{sys.executable}\nraise SystemExit('a notice\\nfatal: no configuration')\n"
    command("squeue", "").parent.joinpath("squeue").write_text(fails)
    waits = []
    with pytest.raises(InputError, match=r"squeue does not answer(?s:.*)fatal: no configuration"):
        submission.earlier_jobs(str(tmp_path), sleep=waits.append)
    told = "squeue does not answer (fatal: no configuration); asked up to 5 times more\n"
    assert capsys.readouterr().err == told  # once, and before the first wait
    assert waits == [submission.POLL] * submission.TRIES

    def mend(seconds):
        command("squeue", f"7|{tmp_path}|rule_x\n")

    assert submission.earlier_jobs(str(tmp_path), sleep=mend) == ["7"]


def test_without_squeue_nothing_is_waited_for(command, tmp_path):
    with pytest.raises(InputError, match=r"squeue is not found(?s:.*)login node"):
        submission.earlier_jobs(str(tmp_path), sleep=lambda seconds: pytest.fail("waited"))


def test_one_job_is_waited_for_while_it_runs(tmp_path, capsys):
    """As a profile for any scheduler asks: a command of a shell, given the job."""
    state = tmp_path / "state"
    state.write_text("running\n")
    ask = tmp_path / "ask"
    ask.write_text(f'#!/bin/sh\n[ "$1" = "7.server" ] && cat {state}\n')
    ask.chmod(0o755)
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            state.write_text("success\n")

    submission.wait_until_ended("7.server", str(ask), sleep=sleep)
    assert waits == [submission.POLL] * 2
    assert capsys.readouterr().err.count("waiting") == 1


def test_a_status_command_without_an_answer_is_no_end(tmp_path):
    """A job that may run is not submitted beside itself."""
    waits = []
    with pytest.raises(InputError, match=r"does not answer.*job 7\.server"):
        submission.wait_until_ended("7.server", str(tmp_path / "missing"), sleep=waits.append)
    assert len(waits) == submission.TRIES - 1
