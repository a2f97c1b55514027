"""Data sets: results/datasets/{dataset}/{manifest.csv, datasheet.json, images.npy, masks.npy, statistics.csv}.

Required: a folder or list named by the data set's `source`, or phantoms, which need nothing.
"""


rule draw_phantoms:
    """Draw a data set of phantoms whose lesions are known."""
    output:
        directory(f"{RESULTS}/datasets/{{dataset}}/phantoms"),
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
        lambda w: params("draw_phantoms", source=DATASETS[w.dataset]["source"]),
    script:
        "../workflow_scripts/draw_phantoms.py"


rule list_dataset:
    """Read and hash every image of a data set."""
    input:
        drawn=lambda w: drawn_images(w.dataset),
        lists=lambda w: published_lists(w.dataset),
    output:
        f"{RESULTS}/datasets/{{dataset}}/manifest.csv",
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
            "list_dataset", source=CONFIG.source(w.dataset), dataset=w.dataset, outside=outside(w.dataset)
        ),
    script:
        "../workflow_scripts/list_dataset.py"


rule prepare_dataset:
    """Resize every image and mask to the working size."""
    input:
        drawn=lambda w: drawn_images(w.dataset),
        manifest=rules.list_dataset.output[0],
    output:
        images=f"{RESULTS}/datasets/{{dataset}}/images.npy",
        masks=f"{RESULTS}/datasets/{{dataset}}/masks.npy",
    log:
        f"{RESULTS}/logs/prepare_dataset/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/prepare_dataset/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        lambda w: params(
            "prepare_dataset",
            source=CONFIG.source(w.dataset),
            size=CONFIG.data["image_size"],
            form=CONFIG.data["images"],
        ),
    script:
        "../workflow_scripts/prepare_dataset.py"


rule curate_dataset:
    """Find duplicates, conflicting labels, broken masks and shortcuts."""
    input:
        drawn=lambda w: drawn_images(w.dataset),
        manifest=rules.list_dataset.output[0],
    output:
        curation=f"{RESULTS}/datasets/{{dataset}}/curation.json",
        duplicates=f"{RESULTS}/datasets/{{dataset}}/duplicates.csv",
    log:
        f"{RESULTS}/logs/curate_dataset/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/curate_dataset/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        lambda w: params("curate_dataset", source=CONFIG.source(w.dataset), dataset=w.dataset),
    script:
        "../workflow_scripts/curate_dataset.py"


rule measure_dataset:
    """Measure what controls score: size, shape, bytes and format of every file."""
    input:
        drawn=lambda w: drawn_images(w.dataset),
        manifest=rules.list_dataset.output[0],
    output:
        f"{RESULTS}/datasets/{{dataset}}/statistics.csv",
    log:
        f"{RESULTS}/logs/measure_dataset/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_dataset/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        lambda w: params("measure_dataset", source=CONFIG.source(w.dataset)),
    script:
        "../workflow_scripts/measure_dataset.py"


rule write_datasheet:
    """Say what a data set is, whose, and under which licence."""
    input:
        manifest=rules.list_dataset.output[0],
    output:
        f"{RESULTS}/datasets/{{dataset}}/datasheet.json",
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
        lambda w: params("write_datasheet", **datasheet_request(w.dataset)),
    script:
        "../workflow_scripts/write_datasheet.py"
