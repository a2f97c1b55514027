"""Every job of a workflow and what its script is given: ``list_jobs.py OUT CONFIG,CONFIG TARGET...``, here.

A process of its own, since Snakemake changes the one that it plans in.
"""

import json
import sys
from pathlib import Path

from snakemake.api import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings, SnakemakeApi


def named(items) -> dict:
    """A list of files whose items, or runs of items, may have names."""
    spans = items._get_names()
    names = {name: items[a] if b is None else list(items[a:b]) for name, (a, b) in spans}
    return {"files": list(items), "names": names}


def listed(job) -> dict:
    """What a job's script is given."""
    return {
        "rule": job.rule.name,
        "wildcards": dict(job.wildcards_dict),
        "input": named(job.input),
        "output": named(job.output),
        "params": list(job.params),
        "log": list(job.log),
        "threads": job.threads,
        "resources": {name: value for name, value in job.resources.items() if isinstance(value, int)},
    }


def main(out: str, configfiles: list[str], targets: list[str]) -> None:
    config = ConfigSettings(configfiles=[Path(name) for name in configfiles])
    with SnakemakeApi(OutputSettings()) as api:
        flow = api.workflow(
            resource_settings=ResourceSettings(cores=1), config_settings=config, snakefile=Path("Snakefile")
        )
        flow.dag(DAGSettings(targets=frozenset(targets), forceall=True)).execute_workflow(executor="dryrun")
        workflow = flow._workflow
        jobs = [listed(job) for level in workflow.dag.toposorted() for job in level if job.rule.script]
        rules = {
            rule.name: {"script": rule.script, "conda": rule.conda_env}
            for rule in workflow.rules
            if rule.script
        }
        found = {"rules": rules, "jobs": jobs, "config": workflow.globals["config"]}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].split(","), sys.argv[3:])
