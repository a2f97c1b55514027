"""Figures: results/figures/."""


localrules:
    curation,
    figures,


rule draw_anomaly_maps:
    """Draw test images, their truth and each method's map."""
    input:
        manifest=rules.list_dataset.output[0],
        images=rules.prepare_dataset.output.images,
        masks=rules.prepare_dataset.output.masks,
        examples=lambda w: [
            f"{RESULTS}/scores/{run.path}/examples.npz" for run in gallery_runs(w.dataset).values()
        ],
    output:
        f"{RESULTS}/figures/anomaly_maps_{{dataset}}.png",
    log:
        f"{RESULTS}/logs/draw_anomaly_maps/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_anomaly_maps/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: figure_params(
            "fusionmedclip.reporting.map_gallery",
            w.dataset,
            titles=[CONFIG.method(name)["title"] for name in gallery_runs(w.dataset)],
        ),
    script:
        "../workflow_scripts/draw_anomaly_maps.py"


rule draw_synthesis_gallery:
    """Draw what synthesis makes of a support set."""
    input:
        manifest=rules.list_dataset.output[0],
        images=rules.prepare_dataset.output.images,
        support=lambda w: gallery_synthesis(w.dataset)[0],
    output:
        f"{RESULTS}/figures/synthesis_{{dataset}}.png",
    log:
        f"{RESULTS}/logs/draw_synthesis_gallery/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_synthesis_gallery/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: figure_params(
            "fusionmedclip.pipeline.galleries", w.dataset, **gallery_synthesis(w.dataset)[1]
        ),
    script:
        "../workflow_scripts/draw_synthesis_gallery.py"


rule draw_training_curves:
    """Draw the training loss of our methods."""
    input:
        lambda w: [path for paths in curve_logs(w.dataset).values() for path in paths],
    output:
        f"{RESULTS}/figures/training_{{dataset}}.png",
    log:
        f"{RESULTS}/logs/draw_training_curves/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_training_curves/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: figure_params(
            "fusionmedclip.reporting.training_curves", w.dataset, logs=curve_logs(w.dataset)
        ),
    script:
        "../workflow_scripts/draw_training_curves.py"


rule draw_curation_page:
    """Show what is wrong with the images before any model sees them."""
    input:
        manifests=expand(rules.list_dataset.output[0], dataset=SHOWN),
        curations=expand(rules.curate_dataset.output.curation, dataset=SHOWN),
        duplicates=expand(rules.curate_dataset.output.duplicates, dataset=SHOWN),
        supports=support_files(SHOWN),
    output:
        f"{RESULTS}/figures/curation.html",
    log:
        f"{RESULTS}/logs/draw_curation_page.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_curation_page.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        params(
            "fusionmedclip.reporting.curation_page",
            sources={name: CONFIG.source(name) for name in SHOWN},
            splits={name: support_sets(name) for name in SHOWN},
        ),
    script:
        "../workflow_scripts/draw_curation_page.py"


rule draw_pretrain_curves:
    """Draw the loss and the retrieval of Stage 1."""
    input:
        rules.pretrain_backbone.output.curves,
    output:
        f"{RESULTS}/figures/stage1_{{backbone}}.png",
    log:
        f"{RESULTS}/logs/draw_pretrain_curves/{{backbone}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_pretrain_curves/{{backbone}}.tsv"
    wildcard_constraints:
        backbone=one_of(STAGE1),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: params(
            "fusionmedclip.reporting.pretrain_curves",
            title=CONFIG.backbone(w.backbone)["title"],
            stand_in=CONFIG.data["tier"] != "paper",
        ),
    script:
        "../workflow_scripts/draw_pretrain_curves.py"


rule curation:
    """The curation page, and the datasheet of each data set."""
    input:
        rules.draw_curation_page.output,
        expand(rules.write_datasheet.output, dataset=SHOWN),


rule figures:
    """Every figure."""
    input:
        expand(rules.draw_anomaly_maps.output, dataset=SHOWN),
        expand(rules.draw_training_curves.output, dataset=CURVED),
        expand(rules.draw_pretrain_curves.output, backbone=TRAINED),
        expand(rules.draw_synthesis_gallery.output, dataset=[d for d in SHOWN if gallery_synthesis(d)]),
