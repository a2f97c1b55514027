"""Every submission through a profile: ``list_submissions.py OUT PROFILE CONFIG,CONFIG TARGET...``, here.

A process of its own, since Snakemake changes the one that it plans in.
"""

import json
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.api import (
    ConfigSettings,
    DAGSettings,
    GroupSettings,
    OutputSettings,
    ResourceSettings,
    SnakemakeApi,
)
from snakemake.iocontainers import ResourceList
from snakemake.resources import GroupResources
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string

SITE = dict.fromkeys(("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir"), "")


def main(out: str, profile: str, configfiles: list[str], targets: list[str]) -> None:
    asked = yaml.safe_load((Path(profile) / "config.yaml").read_text())
    resources = ResourceSettings(
        cores=64,
        nodes=asked["jobs"],
        resources=asked["resources"],
        default_resources=asked["default-resources"],
        overwrite_resource_scopes=asked["set-resource-scopes"],
        overwrite_resources=asked.get("set-resources", {}),
    )
    groups = GroupSettings(overwrite_groups=asked["groups"], group_components=asked["group-components"])
    config = ConfigSettings(configfiles=[Path(name) for name in configfiles if name])
    with SnakemakeApi(OutputSettings()) as api:
        flow = api.workflow(resource_settings=resources, config_settings=config, snakefile=Path("Snakefile"))
        dag = flow.dag(DAGSettings(targets=frozenset(targets), forceall=True))
        dag.execute_workflow(executor="dryrun", group_settings=groups)
        workflow = flow._workflow
        found = [submission(job) for job in workflow.dag.get_jobs_or_groups() if not stays(job, workflow)]
    Path(out).write_text(json.dumps(found))


def stays(job, workflow) -> bool:
    """Whether a job is done where Snakemake runs; asked of a dry run, Snakemake says so of every job."""
    return not job.is_group() and (job.rule.norun or job.rule.name in workflow._localrules)


def submission(job) -> dict:
    """What a scheduler is asked for."""
    if not job.is_group():
        name, jobs, asked = job.rule.name, [job.rule.name], dict(job.resources.items())
    else:
        name, jobs = job.groupid, sorted(member.rule.name for member in job.jobs)
        asked = GroupResources.basic_layered(job.toposorted, job.global_resources, run_local=False)
    return {"name": name, "jobs": jobs, "resources": whole(asked), "sbatch": sbatch(asked)}


def sbatch(asked) -> list[str]:
    """The words of the command by which Snakemake's executor submits it."""
    job = SimpleNamespace(resources=ResourceList(fromdict=asked), threads=asked["_cores"])
    return shlex.split(get_submit_command(job, SITE) + set_gres_string(job))


def whole(resources) -> dict:
    """Those that are numbers or words."""
    return {name: value for name, value in resources.items() if isinstance(value, int | str)}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4:])
