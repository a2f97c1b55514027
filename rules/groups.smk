"""What becomes of a group of jobs when some of them fail.

Snakemake ends a group with its first failure, removes what every job of it has made, and starts all of them again. A
job leaves a record among the results when it has done its work (rules/records.smk): what that speaks of is kept and
counts as done at once, and no more than what is left, and may succeed, is tried again.
"""

from importlib.metadata import version

TRIED = "9.27"
IS_TRIED = version("snakemake").startswith(f"{TRIED}.")


def made(job):
    """Whether a job has made all that it is asked for."""
    ours = job.rule in OURS and job.rule.script
    if not (ours and all(map(os.path.exists, job.output))):
        return False
    return not differs(record_path(COPIES, job.output[0]), json.loads(job.params[0]))


def sorted_out(group):
    """Jobs of a group that failed: which are done, which would fail again, which are left to try."""
    done, hopeless, left = set(), set(), set()
    for job in group:  # from those that others need
        if made(job):
            done.add(job)
        elif is_refused(job) or hopeless & group.dag.dependencies[job].keys():
            hopeless.add(job)
        else:
            left.add(job)
    return done, hopeless, left


def restarts_of(group):
    """How often a group is started again: as often as what is left of it."""
    _, hopeless, left = sorted_out(group)
    nothing_failed = group.attempt if not hopeless else 0
    return max((job.restart_times for job in left), default=nothing_failed)


def unless_made(remove):
    """Removing the output of a failed job; never of one that is done and whose group failed."""

    async def cleanup(job, skip_outputs):
        if not made(job):
            await remove(job, skip_outputs)

    return cleanup


def taken_apart(handle_error):
    """Handling the failure of a group: what waits for its jobs that are done goes on."""

    def handle(scheduler, job, postprocess_job=True):
        handle_error(scheduler, job, postprocess_job)
        if job.is_group():
            take_apart(job, scheduler)

    return handle


def take_apart(group, scheduler):
    """Put smaller groups in the place of one that failed: of what has failed for good, of what is tried again."""
    dag = scheduler.workflow.dag
    done, hopeless, left = sorted_out(group)
    again = group in dag.ready_jobs
    for found in (dag._ready_jobs, dag._running, scheduler.failed):
        found.discard(group)
    for jobs, is_left in ((hopeless, False), (left, again)):
        if jobs:
            part = smaller(group, jobs)
            dag._running.add(part)  # as the whole group was: else it would start when what it waits for ends
            (dag._ready_jobs if is_left else scheduler.failed).add(part)
    scheduler._errors |= bool(hopeless)
    scheduler.finished_jobs += len(done)
    for job in done:
        dag._running.add(job)
        workflow.async_run(dag.finish(job))


def smaller(group, jobs):
    """A group of some jobs of another one."""
    part = GroupJob(group.groupid, frozenset(jobs), group.global_resources)
    part.finalize()
    part.attempt = group.attempt
    group.dag._group.update(dict.fromkeys(jobs, part))
    return part


def tell_untried():
    """Once, where jobs are submitted: what stands above rests on parts that Snakemake promises nobody."""
    if not IS_TRIED and not workflow.local_exec:
        print(
            f"Snakemake {version('snakemake')}: a submission of which one job fails is tried again as a whole, as "
            f"Snakemake does by itself; rules/groups.smk was tried with {TRIED}",
            file=sys.stderr,
        )


if IS_TRIED:
    from snakemake.jobs import GroupJob, Job
    from snakemake.scheduling.job_scheduler import JobScheduler

    if not hasattr(
        JobScheduler, "of_this_project"
    ):  # once: a module is read again for each rule that is replaced
        JobScheduler.of_this_project = True
        Job.cleanup = unless_made(Job.cleanup)
        if workflow.is_main_process:
            GroupJob.restart_times = property(restarts_of)
            JobScheduler._handle_error = taken_apart(JobScheduler._handle_error)
        else:
            # The jobs of one submission go on without each other; the head tells them nothing of its own `keep-going`.
            JobScheduler.keepgoing = property(lambda scheduler: True, lambda scheduler, told: None)
