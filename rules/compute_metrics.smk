"""Metrics with the settings and provenance they came from: results/metrics/{dataset}/{split}/{method}/k{k}/.

Required: the scores and pixel counts of a run, and its provenance.
"""


rule compute_metrics:
    """Compute the metrics of one run."""
    input:
        scores=rules.run_method.output.scores,
        pixel_counts=rules.run_method.output.pixel_counts,
        provenance=rules.run_method.output.provenance,
    output:
        out=f"{RESULTS}/metrics/{RUN}.json",
    log:
        f"{RESULTS}/logs/compute_metrics/{RUN}.log",
    benchmark:
        f"{RESULTS}/benchmarks/compute_metrics/{RUN}.tsv"
    group:
        lambda w: run_cost(w).group(on_gpu=bool(GPU))
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=3,
    params:
        lambda w: params(
            "compute_metrics",
            "pipeline.measures:compute_metrics",
            settings=run_settings(CONFIG, run_of(w)),
        ),
    script:
        "../workflow_scripts/run_job.py"
