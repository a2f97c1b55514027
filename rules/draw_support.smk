"""Splits and support sets, published as files.

results/datasets/{dataset}/split_{split}.csv, results/support/{dataset}/{split}/k{k}_seed{seed}.csv

Required: the manifest; duplicates for the split `grouped`.
"""


rule split_dataset:
    """Decide, once for all seeds, who is tested and who may be drawn as support."""
    input:
        unpack(split_inputs),
    output:
        out=f"{RESULTS}/datasets/{{dataset}}/split_{{split}}.csv",
    log:
        f"{RESULTS}/logs/split_dataset/{{dataset}}_{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/split_dataset/{{dataset}}_{{split}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "split_dataset",
            "pipeline.datasets:split_dataset",
            name=w.split,
            test=DATASETS[w.dataset]["test"],
            seed=CONFIG.data["split_seed"],
            published="samples" in CONFIG.source(w.dataset),
        ),
    script:
        "../workflow_scripts/run_job.py"


rule draw_support:
    """Draw the k normal images of one seed."""
    input:
        split=rules.split_dataset.output.out,
    output:
        out=f"{RESULTS}/support/{{dataset}}/{{split}}/k{{k}}_seed{{seed}}.csv",
    log:
        f"{RESULTS}/logs/draw_support/{{dataset}}_{{split}}_k{{k}}_seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_support/{{dataset}}_{{split}}_k{{k}}_seed{{seed}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "draw_support",
            "pipeline.datasets:sample_support",
            dataset=w.dataset,
            k=int(w.k),
            seed=int(w.seed),
            supports=CONFIG.data["supports"],
        ),
    script:
        "../workflow_scripts/run_job.py"
