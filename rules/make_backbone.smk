"""Backbones as folders that open_clip loads: results/backbones/{backbone}/.

Required: weights that open_clip or timm can fetch, or a local checkpoint.
"""


rule make_backbone:
    """Write a stock backbone."""
    output:
        f"{RESULTS}/backbones/{{backbone}}/model.safetensors",
        f"{RESULTS}/backbones/{{backbone}}/open_clip_config.json",
        out=f"{RESULTS}/backbones/{{backbone}}/settings.json",
    log:
        f"{RESULTS}/logs/make_backbone/{{backbone}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/make_backbone/{{backbone}}.tsv"
    wildcard_constraints:
        backbone=one_of(name for name in STOCK if name not in TRUNKS),
    conda:
        TORCH
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        lambda w: params(
            "make_backbone",
            "pipeline.backbones:make_backbone",
            outside=checkpoint_digest(CONFIG.backbone_settings(w.backbone)),
            settings=CONFIG.backbone_settings(w.backbone),
        ),
    script:
        "../workflow_scripts/run_job.py"


# A trunk has no text tower, and so no architecture of open_clip.
use rule make_backbone as make_trunk with:
    output:
        f"{RESULTS}/backbones/{{backbone}}/model.safetensors",
        out=f"{RESULTS}/backbones/{{backbone}}/settings.json",
    wildcard_constraints:
        backbone=one_of(TRUNKS),


rule draw_phantom_captions:
    """Draw phantoms with captions, for Stage 1 without a download."""
    output:
        out=directory(f"{RESULTS}/captions/{{captions}}/phantoms"),
    log:
        f"{RESULTS}/logs/draw_phantom_captions/{{captions}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_phantom_captions/{{captions}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: params(
            "draw_phantom_captions",
            "pipeline.datasets:draw_phantom_captions",
            source=CAPTIONS[w.captions]["source"],
        ),
    script:
        "../workflow_scripts/run_job.py"


rule pretrain_backbone:
    """Stage 1: finetune the image tower on images and captions (section 3.1)."""
    input:
        captions_needed,
        lambda w: backbone_files(CONFIG.backbone(w.backbone)["base"]).values(),
        base=lambda w: backbone_files(CONFIG.backbone(w.backbone)["base"])["backbone"],
    output:
        f"{RESULTS}/backbones/{{backbone}}/model.safetensors",
        f"{RESULTS}/backbones/{{backbone}}/open_clip_config.json",
        f"{RESULTS}/backbones/{{backbone}}/training_log.csv",
        f"{RESULTS}/backbones/{{backbone}}/retrieval.csv",
        f"{RESULTS}/backbones/{{backbone}}/skipped.csv",
        f"{RESULTS}/backbones/{{backbone}}/timing.json",
        out=f"{RESULTS}/backbones/{{backbone}}/settings.json",
    log:
        f"{RESULTS}/logs/pretrain_backbone/{{backbone}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/pretrain_backbone/{{backbone}}.tsv"
    wildcard_constraints:
        backbone=one_of(STAGE1),
    conda:
        TORCH
    threads: lambda w: stage1_processes(w)
    resources:
        gpu=lambda w: GPU * stage1_processes(w),
        gpu_mem_mb=lambda w: GPU * 40000 * stage1_processes(w),
        mem_mb=lambda w, attempt: attempt * 16000 * stage1_processes(w),
        runtime=2880,
    params:
        stage1_params,
    script:
        "../workflow_scripts/run_job.py"
