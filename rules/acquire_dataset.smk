"""Public data sets: fetched, or how to fetch them, and what was found: results/acquired/{origin}.json.

Nothing depends on these rules: the manifest reads whatever lies at the path of the data set's source.

Required: the origin's settings; a network where it may be fetched.
"""


rule acquire_dataset:
    """Fetch a public data set or say how, and check it file by file."""
    output:
        out=f"{RESULTS}/acquired/{{origin}}.json",
    log:
        f"{RESULTS}/logs/acquire_dataset/{{origin}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/acquire_dataset/{{origin}}.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=720,
    params:
        lambda w: params(
            "acquire_dataset",
            "pipeline.origins:acquire_dataset",
            asks=("terminal",),
            outside=ORIGINS[w.origin]["present"],
            name=w.origin,
            settings=ORIGINS[w.origin]["settings"],
            folder=ORIGINS[w.origin]["folder"],
        ),
    script:
        "../workflow_scripts/run_job.py"


for _origin in ORIGINS:

    rule:
        name:
            f"acquire_{_origin}"
        input:
            f"{RESULTS}/acquired/{_origin}.json",
