"""What a method learns from other data sets, once for the runs of every k: results/learnt/{dataset}/{split}/{method}/.

Required: pixels and splits of the other data sets, and the method's backbone.
"""

@cache
def learns(method):
    """Kind of a method, whether it learns from other data sets, and whether it does so ahead of the runs."""
    entry = CONFIG.method(method)
    asked = (entry["kind"], entry["settings"])
    return entry["kind"], learns_from_others(*asked), learns_ahead(*asked)


def meta_files(wildcards):
    """Files of each other data set, whose normals a method may learn from."""
    return [
        f"{RESULTS}/datasets/{name}/{file}"
        for name in others(CONFIG, wildcards.dataset)
        for file in ("manifest.csv", "images.npy", f"split_{wildcards.split}.csv")
    ]


def learnt_files(run):
    """What was learnt ahead of a run."""
    places = {name: getattr(run, name) for name in ("dataset", "split", "method", "seed")}
    return of_each(list(rules.learn_from_others.output), **places)


def learnt_inputs(wildcards):
    """Files that a method learns from before any support set is known."""
    backbone = CONFIG.run_backbone(wildcards.method, int(wildcards.seed))
    return {**backbone_files(backbone), "meta": meta_files(wildcards)}


rule learn_from_others:
    """Learn what does not depend on the support set."""
    input:
        unpack(learnt_inputs),
    output:
        weights=f"{RESULTS}/learnt/{LEARNT}/weights.safetensors",
        log=f"{RESULTS}/learnt/{LEARNT}/training_log.csv",
        provenance=f"{RESULTS}/learnt/{LEARNT}/provenance.json",
    log:
        f"{RESULTS}/logs/learn_from_others/{LEARNT}.log",
    benchmark:
        f"{RESULTS}/benchmarks/learn_from_others/{LEARNT}.tsv"
    conda:
        TORCH
    resources:
        gpu=GPU,
        gpu_mem_mb=learnt_card_mb,
        mem_mb=lambda w, attempt: learnt_cost(w).mem_mb(attempt=attempt, on_gpu=bool(GPU)),
        runtime=lambda w, attempt: learnt_cost(w).runtime(attempt=attempt, on_gpu=bool(GPU)),
    params:
        lambda w: params(
            "learn_from_others",
            "pipeline.learnt:learn_from_others",
            asks=("inputs", "outputs", "gpus"),
            entries=entry_points(CONFIG.method(w.method)["kind"]),
            settings=learnt_settings(CONFIG, Run(w.dataset, w.split, w.method, 0, int(w.seed))),
            device=device_of("learn_from_others"),
        ),
    script:
        "../workflow_scripts/run_job.py"
