"""What runs ask of a machine."""

from fusionmedclip.pipeline.costs import cost_of


@cache
def _run_cost(dataset, method, k):
    test = DATASETS[dataset].get("test", {})
    return cost_of(CONFIG.method(method), k=k, images=sum(filter(None, test.values())))


def run_cost(wildcards):
    """What a run costs: fusionmedclip/pipeline/costs.py."""
    return _run_cost(wildcards.dataset, wildcards.method, int(wildcards.k))


def run_gpus(wildcards):
    """GPUs of a run: controls, and rows that train nothing and score from stored features, need none."""
    return GPU if run_cost(wildcards).gpu else 0
