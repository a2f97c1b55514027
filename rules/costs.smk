"""What runs ask of a machine."""

from fusionmedclip.pipeline.costs import cost_of, learnt_cost_of


@cache
def _run_cost(dataset, method, k):
    test = DATASETS[dataset].get("test", {})
    return cost_of(CONFIG.method(method), k=k, images=sum(filter(None, test.values())))


def run_cost(wildcards):
    """What a run costs: fusionmedclip/pipeline/costs.py."""
    return _run_cost(wildcards.dataset, wildcards.method, int(wildcards.k))


@cache
def _learnt_cost(method):
    return learnt_cost_of(CONFIG.method(method))


def learnt_cost(wildcards):
    """What learning from other data sets costs."""
    return _learnt_cost(wildcards.method)


@cache
def larger_than_card(job, asked, card):
    """Once for each kind of job, since Snakemake cuts a request to what there is without a word."""
    print(
        f"{job} takes {asked} MB of a card, and gpu_mem_mb gives {card}: it computes with no other run beside it, and "
        "may end for want of memory",
        file=sys.stderr,
    )


def card_mb(job, asked, attempt):
    """Memory of the card that a job asks for, more with each attempt."""
    card = workflow.global_resources.get("gpu_mem_mb").value
    if card is not None and asked > card and workflow.is_main_process:
        larger_than_card(job, asked, card)
    return attempt * asked


def run_card_mb(wildcards, attempt):
    """Of a run."""
    asked = run_gpus(wildcards) * run_cost(wildcards).gpu_mb
    return card_mb(f"{wildcards.method} at k = {wildcards.k}", asked, attempt)


def learnt_card_mb(wildcards, attempt):
    """Of learning from other data sets."""
    return card_mb(f"{wildcards.method}, learning ahead,", GPU * learnt_cost(wildcards).gpu_mb, attempt)


def run_gpus(wildcards):
    """GPUs of a run: controls, and rows that train nothing and score from stored features, need none."""
    return GPU if run_cost(wildcards).gpu else 0
