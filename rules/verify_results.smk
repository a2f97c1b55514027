"""Everything finished held against itself: results/verification.json, which the report and the archive ask for.

Required: all that is finished, tables down to images.
"""

KINDS_RUN = sorted({CONFIG.method(run.method)["kind"] for run in RUNS})  # whose settings are compared


rule verify_results:
    """Meet every cell of every table again, and name each file that was altered, deleted or added."""
    input:
        lambda w: all_finished(),
    output:
        out=f"{RESULTS}/verification.json",
    log:
        f"{RESULTS}/logs/verify_results.log",
    benchmark:
        f"{RESULTS}/benchmarks/verify_results.tsv"
    conda:
        "../envs/data.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        lambda w: params(
            "verify_results",
            "reporting.verification.verify:write_verification",
            asks=("processes",),
            entries=(
                *(entry_points(kind)[1] for kind in KINDS_RUN),
                *FORMATS.values(),
                *source_readers(*{run.dataset for run in RUNS}),
            ),
            results=COPIES,
            asked=all_asked(CONFIG),
            sources={name: CONFIG.source(name) for name in {run.dataset for run in RUNS}},
        ),
    script:
        "../workflow_scripts/run_job.py"
