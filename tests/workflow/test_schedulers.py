"""Profiles for LSF and PBS, by stand-ins of their commands: what those are asked, and what they answer."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.patience import ending, until
from tests.workflow.conftest import SNAKEMAKE

ROOT = Path(__file__).resolve().parents[2]
RUN = {"rule": "run_method", "threads": 2, "resources": {"mem_mb": 8000, "runtime": 90, "gpu": 1}}
GROUP = {"groupid": "instant", "threads": 1, "resources": {"mem_mb": 4000, "runtime": 5, "gpu": 0}}
SPLIT = "results/tiny/datasets/busi/split_paper.csv"
BSUB = f"""#!{sys.executable}
import subprocess, sys
quiet = {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}}
job = subprocess.Popen([sys.argv[-1]], start_new_session=True, **quiet)
print(f"Job <{{job.pid}}> is submitted to default queue <normal>.")
"""
BJOBS = """#!/bin/sh
for job in "$@"; do :; done
if kill -0 "$job" 2> /dev/null; then echo RUN; else echo DONE; fi
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Makes a command of a name, first on the path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)

    def make(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    return make


def said(*words: object) -> str:
    return subprocess.run([*map(str, words)], capture_output=True, text=True, check=True).stdout


def submitted(command, tmp_path: Path, *, by: str, prints: str, asked: dict) -> tuple[str, list[str]]:
    """What a profile's script prints, and what it asks the scheduler's command."""
    command(by, f'#!/bin/sh\nprintf "%s\\n" "$@" > asked.txt\necho "{prints}"\n')
    (tmp_path / "job.sh").write_text(f"#!/bin/sh\n# properties = {json.dumps(asked)}\n")
    profile = {"bsub": "lsf", "qsub": "pbs"}[by]
    printed = said(ROOT / "profiles" / profile / "submit.py", "job.sh")
    return printed, (tmp_path / "asked.txt").read_text().splitlines()


def test_lsf_is_asked_for_a_gpu_where_there_is_one(command, tmp_path):
    answer = "Job <4711> is submitted to queue <normal>."
    printed, asked = submitted(command, tmp_path, by="bsub", prints=answer, asked=RUN)
    assert printed == "4711\n"
    assert asked == [
        *("-J", "run_method", "-o", ".snakemake/lsf_logs/%J.log", "-n", "2"),
        *("-R", "span[hosts=1] rusage[mem=8000MB]", "-M", "8000MB", "-W", "90", "-gpu", "num=1", "job.sh"),
    ]
    _, asked = submitted(command, tmp_path, by="bsub", prints=answer, asked=GROUP)
    assert "-gpu" not in asked
    assert asked[1] == "instant"


def test_pbs_is_asked_for_a_gpu_where_there_is_one(command, tmp_path):
    printed, asked = submitted(command, tmp_path, by="qsub", prints="12.server", asked=RUN)
    assert printed == "12.server\n"
    assert "select=1:ncpus=2:mem=8000mb:ngpus=1" in asked
    assert "walltime=5400" in asked
    _, asked = submitted(command, tmp_path, by="qsub", prints="13.server", asked=GROUP)
    assert "select=1:ncpus=1:mem=4000mb" in asked


@pytest.mark.parametrize(
    ("answer", "code", "state"),  # bjobs(1): states of a job
    [
        ("PEND", 0, "running"),
        ("RUN", 0, "running"),
        ("UNKWN", 0, "running"),
        ("DONE", 0, "success"),
        ("EXIT", 0, "failed"),
        ("Job <7> is not found", 255, "failed"),
        ("No matching job found", 255, "failed"),
        ("LSF is down. Please wait ...", 255, "running"),
        ("a page is not found\nRUN", 0, "running"),
        ("maintenance on Monday\nDONE", 0, "success"),
    ],
)
def test_lsf_says_what_became_of_a_job(command, answer, code, state):
    """Whatever else the command says beside its answer."""
    command("bjobs", f'#!/bin/sh\necho "a notice" >&2\necho "{answer}"\nexit {code}\n')
    assert said(ROOT / "profiles/lsf/status.py", "7") == f"{state}\n"


@pytest.mark.parametrize(
    ("now", "history", "state"),  # qstat(1B): job states; what has ended is in the history alone
    [
        ("job_state = Q", "", "running"),
        ("job_state = R", "", "running"),
        ("", "job_state = F\n    Exit_status = 0", "success"),
        ("", "job_state = F\n    Exit_status = 271", "failed"),
        ("job_state = C\n    exit_status = 0", "", "success"),
        ("", "qstat: Unknown Job Id 7", "failed"),
        ("", "job_state = F\n    Exit_status = 0\n    Variable_List = A=exit_status = 1", "success"),
        ("", "qstat: cannot connect to server", "running"),
        ("job_state = R\n    Variable_List = A=unknown job", "", "running"),
        ("job_state = R\n    Variable_List = A=\\351", "", "running"),  # a byte that is no UTF-8
    ],
)
def test_pbs_says_what_became_of_a_job(command, now, history, state):
    fails = "cannot" in history or "Unknown" in history
    command(
        "qstat",
        f'#!/bin/sh\nif [ "$1" = -x ]; then echo "{history}"; exit {int(fails)}; fi\n'
        f'printf "    {now}\\n"\nexit {0 if now else 35}\n',
    )
    assert said(ROOT / "profiles/pbs/status.py", "7") == f"{state}\n"


@pytest.mark.parametrize(("code", "state"), [(0, "success"), (3, "failed")])
@pytest.mark.parametrize(
    ("answer", "before"),
    [('echo "qstat: Unknown Job Id $2" >&2; exit 153', "failed"), ('echo "    job_state = M"', "running")],
    ids=["no history", "moved to another server"],
)
def test_what_a_pbs_job_leaves_says_what_became_of_it(command, tmp_path, code, state, answer, before):
    """OpenPBS comes without a history; a server from which a job was moved does not hear how it ends."""
    (tmp_path / "a b").mkdir()
    os.chdir(tmp_path / "a b")
    command("qsub", '#!/bin/sh\nfor job in "$@"; do :; done\nPBS_JOBID=7.here sh "$job"\necho 7.here\n')
    command("qstat", f"#!/bin/sh\n{answer}\n")
    Path("job.sh").write_text(f"#!/bin/sh\n# properties = {json.dumps(RUN)}\nexit {code}\n")
    assert said(ROOT / "profiles/pbs/status.py", "7.here") == f"{before}\n"  # it has not run
    assert said(ROOT / "profiles/pbs/submit.py", "job.sh") == "7.here\n"
    assert said(ROOT / "profiles/pbs/status.py", "7.here") == f"{state}\n"


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_pbs_job_that_is_killed_leaves_nothing_that_says_success(command, tmp_path, shell):
    """As at the end of its time: the server ends all of its processes."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    command("qsub", "#!/bin/sh\necho 7.here\n")
    command("qstat", "#!/bin/sh\necho '    job_state = F'\necho '    Exit_status = 271'\n")
    text = f"#!/bin/sh\n# properties = {json.dumps(RUN)}\ncd {tmp_path} && touch begun && sleep 900\n"
    Path("job.sh").write_text(text)
    said(ROOT / "profiles/pbs/submit.py", "job.sh")
    job = subprocess.Popen(
        [shell, "job.sh"], env={**os.environ, "PBS_JOBID": "7.here"}, start_new_session=True
    )
    until(Path("begun").exists, by=job)
    os.killpg(job.pid, signal.SIGTERM)
    with ending(job):
        assert job.wait(50) != 0
    assert not list((tmp_path / ".snakemake/pbs_logs").iterdir())
    assert said(ROOT / "profiles/pbs/status.py", "7.here") == "failed\n"


def test_an_exit_code_that_is_not_yet_written_is_none(command, tmp_path):
    command("qstat", "#!/bin/sh\necho '    job_state = R'\n")
    (tmp_path / ".snakemake/pbs_logs").mkdir(parents=True)
    (tmp_path / ".snakemake/pbs_logs/7.here.ended").touch()
    assert said(ROOT / "profiles/pbs/status.py", "7.here") == "running\n"


@pytest.mark.parametrize(
    ("by", "profile", "ours"), [("qsub", "pbs", "7.here"), ("bsub", "lsf", "Job <7> is here")]
)
def test_what_is_no_job_is_said_in_words(command, tmp_path, by, profile, ours):
    Path("job.sh").write_text(f"#!/bin/sh\n# properties = {json.dumps(RUN)}\n")
    submit = [str(ROOT / f"profiles/{profile}/submit.py"), "job.sh"]
    command(by, f"#!/bin/sh\necho a notice\necho '{ours}'\necho 80 % of your hours are used\n")
    assert said(*submit).startswith("7")
    for text, words in (("exit 3", "exit code 3"), ("echo no hours left", "no hours left")):
        command(by, f"#!/bin/sh\n{text}\n")
        done = subprocess.run(submit, capture_output=True, text=True)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["lsf", "pbs", "kubernetes"])
def test_jobs_are_grouped_as_on_slurm(name):
    slurm, other = (
        yaml.safe_load((ROOT / f"profiles/{one}/config.yaml").read_text()) for one in ("slurm", name)
    )
    for key in ("groups", "group-components", "resources", "set-resource-scopes", "retries", "keep-going"):
        assert other[key] == slurm[key]


@pytest.mark.slow
def test_a_group_runs_through_the_profile(command, workflow):
    """One submission of three jobs, and one of the jobs' states that says when it has ended."""
    command("bsub", BSUB)
    command("bjobs", BJOBS)
    command("bkill", "#!/bin/sh\n")
    done = subprocess.run(
        [SNAKEMAKE, "--workflow-profile", "profiles/lsf", "--configfile", "tiny.yaml", "--", SPLIT],
        cwd=workflow.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-4000:]
    assert printed.count("Submitted group job") == 1
    assert (workflow.folder / SPLIT).is_file()


@pytest.mark.slow
def test_a_profile_that_is_not_found_from_the_working_folder_is_named(command, workflow, tmp_path):
    """``--directory``: Snakemake hands the commands to a shell there."""
    command("bsub", BSUB)
    words = [SNAKEMAKE, "--workflow-profile", "profiles/lsf", "--configfile", "tiny.yaml"]
    done = subprocess.run(
        [*words, "--directory", tmp_path / "elsewhere", "-s", "workflow/Snakefile", "--", SPLIT],
        cwd=workflow.folder,
        capture_output=True,
        text=True,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 1
    assert "name the profile by its absolute path" in " ".join(printed.split())
    assert "Submitted" not in printed


@contextmanager
def head_of_held_job(command, workflow, wanted, name):
    """A head whose job has begun and waits for a gate, and how another one is started."""
    command("bsub", BSUB)
    command("bjobs", BJOBS)
    command("bkill", "#!/bin/sh\n")
    begun, gate = workflow.folder / f"begun_{name}", workflow.folder / f"gate_{name}"
    held = f"""    Path("{begun}").touch()
    while not Path("{gate}").exists():
        time.sleep(0.1)
    params = json.loads("""
    words = [SNAKEMAKE, "--workflow-profile", "profiles/lsf", "--configfile", "tiny.yaml", "--", wanted]
    asked = {"cwd": workflow.folder, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with (
        workflow.edited("workflow_scripts/run_job.py", "    params = json.loads(", held),
        workflow.edited("workflow_scripts/run_job.py", "import json\n", "import json\nimport time\n"),
        subprocess.Popen(words, **asked) as first,
    ):
        try:
            until(begun.exists, by=first)
            yield first, gate, partial(subprocess.Popen, words, **asked)
        finally:
            gate.touch()


@pytest.mark.slow
def test_a_second_head_is_refused_at_once(command, workflow):
    """And does not wait for the job of the first, as it would if that had been killed."""
    wanted = SPLIT.replace("paper", "grouped")
    with head_of_held_job(command, workflow, wanted, "beside") as (first, gate, start):
        with ending(start()) as second:
            said_second = second.communicate(timeout=300)[0]
        gate.touch()
        printed = first.communicate()[0]
    assert second.returncode
    assert "cannot be locked" in said_second
    assert "waiting for what it makes" not in said_second
    assert first.returncode == 0, printed[-4000:]


@pytest.mark.slow
def test_a_job_that_has_begun_is_waited_for_by_the_next_head(command, workflow):
    """Snakemake in the job marks outputs anew, and has forgotten by then what the scheduler calls it."""
    wanted = "results/tiny/datasets/busi/phantoms"
    shutil.rmtree(workflow.folder / wanted, ignore_errors=True)
    with head_of_held_job(command, workflow, wanted, "alone") as (first, gate, start):
        first.kill()
        first.communicate()
        with ending(start()) as second:
            printed = ""
            while not re.search("waiting for what it makes|Submitted", printed):
                line = second.stdout.readline()
                printed += line or "Submitted nothing"
            gate.touch()
            printed += second.communicate()[0]
    assert second.returncode == 0, printed[-4000:]
    assert "Submitted" not in printed
    assert (workflow.folder / wanted / "normal").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "there", "missing"),
    [("lsf", (), "bkill"), ("pbs", ("qdel", "qsub"), "qstat"), ("slurm", ("sbatch", "scancel"), "squeue")],
)
def test_a_machine_without_the_scheduler_is_told_before_any_job(
    command, workflow, monkeypatch, profile, there, missing
):
    for name in there:
        command(name, "#!/bin/sh\nexit 1\n")
    for name in ("bash", "git", "sh", "which"):  # a scheduler may be installed here, beside these
        Path(name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", os.getcwd())
    words = ["--workflow-profile", f"profiles/{profile}", "--configfile", "tiny.yaml", "--", SPLIT]
    done = subprocess.run(
        [SNAKEMAKE, *words], cwd=workflow.folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert f"{missing} is not found" in done.stderr
    assert "on a login node" in " ".join(done.stderr.split())
    assert "most recent call last" not in done.stderr
