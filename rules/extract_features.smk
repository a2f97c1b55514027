"""Features of frozen backbones, once for all runs that share them: results/features/{backbone}/{dataset}/.

Required: a backbone, and the pixels of a data set.
"""


rule extract_features:
    """Compute of every image of a data set what some method reads."""
    input:
        lambda w: backbone_files(w.backbone).values(),
        backbone=lambda w: backbone_files(w.backbone)["backbone"],
        images=rules.prepare_dataset.output.images,
    output:
        out=directory(f"{RESULTS}/features/{{backbone}}/{{dataset}}"),
    log:
        f"{RESULTS}/logs/extract_features/{{backbone}}_{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/extract_features/{{backbone}}_{{dataset}}.tsv"
    conda:
        TORCH
    resources:
        gpu=GPU,
        gpu_mem_mb=GPU * 4000,
        mem_mb=12000,
        runtime=60,
    params:
        lambda w: params(
            "extract_features",
            "pipeline.backbones:extract_features",
            asks=("gpus",),
            layers=layers_of(w.backbone),
            threads=CONFIG.data["threads"],
            device=device_of("extract_features"),
        ),
    script:
        "../workflow_scripts/run_job.py"
