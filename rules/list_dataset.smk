"""Data sets: results/datasets/{dataset}/{manifest.csv, datasheet.json}.

Required: a folder or list named by the data set's `source`, or phantoms, which need nothing.
"""


rule draw_phantoms:
    """Draw a data set of phantoms whose lesions are known."""
    output:
        out=directory(f"{RESULTS}/datasets/{{dataset}}/phantoms"),
    log:
        f"{RESULTS}/logs/draw_phantoms/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_phantoms/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(PHANTOMS),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: params(
            "draw_phantoms", "pipeline.datasets:draw_phantoms", source=DATASETS[w.dataset]["source"]
        ),
    script:
        "../workflow_scripts/run_job.py"


rule list_dataset:
    """Read and hash every image of a data set."""
    input:
        lambda w: drawn_images(w.dataset),
        lambda w: published_lists(w.dataset),
    output:
        manifest=f"{RESULTS}/datasets/{{dataset}}/manifest.csv",
    log:
        f"{RESULTS}/logs/list_dataset/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/list_dataset/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        lambda w: params(
            "list_dataset",
            "pipeline.datasets:list_dataset",
            entries=source_readers(w.dataset),
            outside=outside(w.dataset),
            source=CONFIG.source(w.dataset),
            dataset=w.dataset,
        ),
    script:
        "../workflow_scripts/run_job.py"


rule write_datasheet:
    """Say what a data set is, whose, and under which licence."""
    input:
        manifest=rules.list_dataset.output.manifest,
    output:
        out=f"{RESULTS}/datasets/{{dataset}}/datasheet.json",
    log:
        f"{RESULTS}/logs/write_datasheet/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_datasheet/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        lambda w: params(
            "write_datasheet",
            "pipeline.origins:write_datasheet",
            dataset=w.dataset,
            **datasheet_request(w.dataset),
        ),
    script:
        "../workflow_scripts/run_job.py"
