"""What a method learns from other data sets, once for the runs of every k: results/learnt/{dataset}/{split}/{method}/.

Required: pixels and splits of the other data sets, for a method that learns from labels masks too and the pixels of
the tested one, whose copies are left out; the method's backbone.
"""


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
