"""Which scheduler jobs go to, and its commands."""

import shlex
import shutil

from fusionmedclip.pipeline import submission


def on_slurm():
    """Whether jobs go to SLURM, and not only on paper."""
    plugin = workflow.executor_plugin
    return plugin is not None and plugin.name == "slurm"


def find_status_command():
    """Ask squeue where sacct would be waited for for ever."""
    settings = workflow.executor_settings
    if on_slurm() and settings.status_command == "sacct" and not submission.keeps_accounts():
        settings.status_command = "squeue"


# A profile's own scripts start these; they are known by the one that Snakemake itself is told of.
BESIDE = {"bkill": ("bsub", "bjobs"), "qdel": ("qsub", "qstat")}


def find_submit_command():
    """Say at once where a profile's commands are not found, which would be the end of each job in turn.

    Snakemake looks for them as the profile was named, below the folder that it works in, and hands them to a shell.
    """
    if workflow.output_settings.dryrun:
        return
    plugin, settings = workflow.executor_plugin, workflow.executor_settings
    if plugin is not None and plugin.name == "cluster-generic":
        asked = filter(None, (settings.submit_cmd, settings.status_cmd, settings.cancel_cmd))
        names = [shlex.split(command)[0] for command in asked]
        names += BESIDE.get(names[-1], ())
    else:
        names = ["sbatch", "squeue", "scancel"] if on_slurm() else []
    for name in names:
        if shutil.which(name) is None:
            hint = (
                "With --directory, name the profile by its absolute path, one without spaces: "
                "--workflow-profile /home/me/fusionmedclip/profiles/lsf"
                if "/" in name
                else "It is the scheduler's own: start where the scheduler's commands are, on a login node"
            )
            raise WorkflowError(f"The profile's command {name} is not found from {os.getcwd()}. {hint}")


def status_command():
    """What says whether a job runs, of the executor for any scheduler; none on paper."""
    plugin = workflow.executor_plugin
    is_any = plugin is not None and plugin.name == "cluster-generic"
    return workflow.executor_settings.status_cmd if is_any else None
