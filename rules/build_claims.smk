"""Claims of the thesis and what became of them: results/tables/claims.{csv,md,tex,html}.

Required: the tables that they rest on, with metrics and scores of their runs, and what is known of the images.
"""


rule build_claims:
    """Judge every claim of the thesis by the runs behind its tables."""
    input:
        unpack(claimed_images),
        records=[f"{RESULTS}/tables/{table}{RECORD}" for table in CLAIMED],
        metrics=lambda w: metrics_of(claimed_cells()),
        scores=lambda w: scores_of(claimed_cells()),
    output:
        record=f"{RESULTS}/tables/{CLAIMS}{RECORD}",
        files=[
            *[f"{RESULTS}/tables/{name}" for name in files_of(CLAIMS) if not name.endswith(".html")],
            report(
                f"{RESULTS}/tables/{CLAIMS}.html",
                category="Tables",
                caption="captions/claims.rst",
                labels={"table": CLAIMS, "title": "Does the thesis hold?"},
            ),
        ],
    log:
        f"{RESULTS}/logs/build_claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_claims.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_claims",
            "reporting.claims.build:build_claims",
            results=COPIES,
            look=claims_look(CONFIG),
        ),
    script:
        "../workflow_scripts/run_job.py"


rule claims:
    """What became of the thesis's claims."""
    input:
        rules.build_claims.output,
    localrule: True
