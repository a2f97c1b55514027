"""What jobs ask a scheduler for, where a profile speaks of a rule and its jobs differ."""

from snakemake.resources import Resource


def of_gpu_jobs(made_by, told):
    """A resource of those jobs alone that ask for a GPU; a profile gives it to a rule, or to all of them."""
    gpus = made_by.resources.get("gpu")

    def value(wildcards, **given):
        return told.evaluate(wildcards, **given).value if gpus.evaluate(wildcards, **given).value else None

    return Resource(told.name, value, raw=told.raw)


def spread(made_by, nodes):
    """What several nodes take beside their number: Snakemake's executor for SLURM thinks of one task on one node.

    The job itself runs once, on the first node, outside of a step (`mpi`), and starts torchrun on each by srun.
    """

    def share(wildcards):
        processes = stage1_processes(wildcards)
        if processes % nodes:
            raise WorkflowError(
                f"stage1.processes of {wildcards.backbone} is {processes}, which {nodes} nodes cannot share alike"
            )
        return processes // nodes

    def gpus_of_each(wildcards, **given):
        # SLURM refuses a kind in one of its words for GPUs and none in another.
        model = made_by.resources.get("gpu_model").evaluate(wildcards, **given).value
        return f"--gpus-per-node={model + ':' if model else ''}{share(wildcards)}"

    memory = made_by.resources["mem_mb"]
    asked = {"mpi": "srun", "tasks": nodes, "tasks_per_gpu": 0, "cpus_per_task": share}
    if GPU:
        asked["slurm_extra"] = gpus_of_each
    if memory.raw is None:  # of the rule and not of the profile; SLURM means it of each node
        asked["mem_mb"] = lambda wildcards, **given: memory.evaluate(wildcards, **given).value // nodes
    for name, value in asked.items():
        if name == "mem_mb" or name not in made_by.resources:
            made_by.resources[name] = value


for _made in OURS:
    if "gpu_model" in _made.resources:
        _made.resources["gpu_model"] = of_gpu_jobs(_made, _made.resources["gpu_model"])

_trains = rules.pretrain_backbone.rule
if _trains in OURS:  # not where a module is read for another rule alone
    _nodes = _trains.resources.get("nodes")
    if not _nodes.is_evaluable() and (_nodes.value or 1) > 1:
        spread(_trains, _nodes.value)
