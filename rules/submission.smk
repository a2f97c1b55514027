"""What becomes of submitted jobs: who answers for them, which are started again, which an earlier head left running."""

from snakemake.jobs import Job

from fusionmedclip.pipeline import submission
from fusionmedclip.pipeline.calls import refusal


def is_head():
    """Whether this process may start jobs here, and is no job that reads the workflow, nor a plan."""
    is_main = workflow.is_main_process and workflow.modifier.is_main_snakefile()
    return is_main and not workflow.output_settings.dryrun


def check_places():
    """Refuse a folder in which nothing can run, and name those of results in which nothing can be made."""
    if not is_head():
        return
    try:
        check_records(heads.FOLDER)
    except InputError as error:
        raise WorkflowError(str(error)) from None
    for folder in closed_folders(Path(COPIES)):
        print(
            f"nothing can be written in {folder} (its rights, ls -ld): what has to be made there will fail; ask "
            "its owner, or give another `results:`",
            file=sys.stderr,
        )


@cache
def is_alone():
    """Whether no other head lives.

    Locks are those of one that does, or of one of which nobody knows: what a killed one left is gone by now (HEAD).
    Snakemake itself then refuses what both would make; whatever else they make, neither waits for the other.
    """
    return not any(workflow.persistence._read_locks())


@cache
def wait_for_earlier():
    """Once, before anything is decided: jobs of a head that was killed go on, and may finish what is asked for."""
    if on_slurm() and is_alone():
        try:
            submission.wait_for_earlier(os.getcwd())
        except InputError as error:
            raise WorkflowError(str(error)) from None


@cache
def wait_for(job):
    """The same of one job, where all of a folder cannot be asked for."""
    if status_command() and is_alone():
        try:
            submission.wait_until_ended(job, status_command())
        except InputError as error:
            raise WorkflowError(str(error)) from None


def forget_refusals():
    """What an earlier start was told says nothing of this one: the cause may be mended."""
    for marker in Path(COPIES, "logs").rglob(refusal("*").name):
        marker.unlink(missing_ok=True)


def is_refused(job):
    """Whether a job itself has said that its input cannot be used."""
    return any(refusal(log).exists() for log in job.log)


def unless_refused(times):
    """How often a job is started again."""
    return property(lambda job: 0 if is_refused(job) else times.fget(job))


def growing(amount):
    """A resource of which each attempt asks for more."""
    return lambda wildcards, attempt: attempt * amount


for _made in OURS:
    for _name in ("mem_mb", "runtime"):
        _asked = _made.resources.get(_name)
        if not _asked.is_evaluable() and isinstance(_asked.value, int):
            _made.resources[_name] = growing(_asked.value)

if workflow.is_main_process:
    Job.restart_times = unless_refused(Job.restart_times)
