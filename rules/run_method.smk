"""Runs: a method fitted on a support set, and its scores of the test set.

results/runs/{dataset}/{split}/{method}/k{k}/seed{seed}/, results/scores/ of the same shape.

Required: pixels, split and support set; a backbone, stored features or statistics where the method uses them.
"""


rule run_method:
    """Fit on k normal images, score the test set: one process, several outputs."""
    input:
        unpack(run_inputs),
    output:
        weights=directory(f"{RESULTS}/runs/{RUN}/weights"),
        log=f"{RESULTS}/runs/{RUN}/training_log.csv",
        provenance=f"{RESULTS}/runs/{RUN}/provenance.json",
        scores=f"{RESULTS}/scores/{RUN}/scores.csv",
        pixel_counts=f"{RESULTS}/scores/{RUN}/pixel_counts.npz",
        examples=f"{RESULTS}/scores/{RUN}/examples.npz",
    log:
        f"{RESULTS}/logs/run_method/{RUN}.log",
    benchmark:
        f"{RESULTS}/benchmarks/run_method/{RUN}.tsv"
    group:
        lambda w: run_cost(w).group(on_gpu=bool(GPU))
    conda:
        TORCH
    resources:
        gpu=lambda w: run_gpus(w),
        gpu_mem_mb=run_card_mb,
        mem_mb=lambda w, attempt: run_cost(w).mem_mb(attempt=attempt, on_gpu=bool(GPU)),
        runtime=lambda w, attempt: run_cost(w).runtime(attempt=attempt, on_gpu=bool(GPU)),
    params:
        lambda w: params(
            "run_method",
            "pipeline.runs:run_method",
            asks=("inputs", "outputs", "gpus"),
            entries=entry_points(CONFIG.method(w.method)["kind"]),
            settings=run_settings(CONFIG, run_of(w)),
            device=device_of("run_method") if run_cost(w).gpu else "cpu",
        ),
    script:
        "../workflow_scripts/run_job.py"
