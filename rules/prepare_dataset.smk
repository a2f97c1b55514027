"""What is made of a data set's images: results/datasets/{dataset}/{images.npy, masks.npy, curation.json, statistics.csv}.

Required: the images, and the manifest that lists them.
"""


rule prepare_dataset:
    """Resize every image and mask to the working size."""
    input:
        lambda w: drawn_images(w.dataset),
        manifest=rules.list_dataset.output.manifest,
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
            "pipeline.datasets:prepare_dataset",
            source=CONFIG.source(w.dataset),
            size=CONFIG.data["image_size"],
            form=CONFIG.data["images"],
        ),
    script:
        "../workflow_scripts/run_job.py"


rule curate_dataset:
    """Find duplicates, conflicting labels, broken masks and shortcuts."""
    input:
        lambda w: drawn_images(w.dataset),
        manifest=rules.list_dataset.output.manifest,
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
        lambda w: params(
            "curate_dataset",
            "pipeline.datasets:curate_dataset",
            source=CONFIG.source(w.dataset),
            dataset=w.dataset,
        ),
    script:
        "../workflow_scripts/run_job.py"


rule measure_dataset:
    """Measure what controls score: size, shape, bytes and format of every file."""
    input:
        lambda w: drawn_images(w.dataset),
        manifest=rules.list_dataset.output.manifest,
    output:
        statistics=f"{RESULTS}/datasets/{{dataset}}/statistics.csv",
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
        lambda w: params(
            "measure_dataset",
            "pipeline.datasets:measure_dataset",
            source=CONFIG.source(w.dataset),
        ),
    script:
        "../workflow_scripts/run_job.py"
