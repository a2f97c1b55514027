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
        figure_files("anomaly_maps", "{dataset}"),
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
            "draw_anomaly_maps",
            w.dataset,
            titles=[CONFIG.method(name)["title"] for name in gallery_runs(w.dataset)],
            split_seed=CONFIG.data["split_seed"],
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
        figure_files("synthesis", "{dataset}"),
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
        lambda w: figure_params("draw_synthesis_gallery", w.dataset, **gallery_synthesis(w.dataset)[1]),
    script:
        "../workflow_scripts/draw_synthesis_gallery.py"


rule draw_training_curves:
    """Draw the training loss of our methods on each data set."""
    input:
        paths_in(training_logs()),
    output:
        figure_files("training", *CURVED),
    log:
        f"{RESULTS}/logs/draw_training_curves.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_training_curves.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: all_figures_params("draw_training_curves", figures=training_logs()),
    script:
        "../workflow_scripts/draw_training_curves.py"


rule draw_auroc_by_k:
    """Draw each table's AUROC against k."""
    input:
        paths_in(tables_by_layout("dataset_k")),
    output:
        figure_files("auroc_by_k", *dict(tables_by_layout("dataset_k"))),
    log:
        f"{RESULTS}/logs/draw_auroc_by_k.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_auroc_by_k.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: all_figures_params("draw_auroc_by_k", tables=tables_by_layout("dataset_k")),
    script:
        "../workflow_scripts/draw_auroc_by_k.py"


rule draw_ablation_steps:
    """Draw the AUROC of each ablation row by row."""
    input:
        paths_in(tables_by_layout("method")),
    output:
        figure_files("ablation", *dict(tables_by_layout("method"))),
    log:
        f"{RESULTS}/logs/draw_ablation_steps.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_ablation_steps.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: all_figures_params("draw_ablation_steps", tables=tables_by_layout("method")),
    script:
        "../workflow_scripts/draw_ablation_steps.py"


rule draw_ranks:
    """Draw the average ranks of each table's methods."""
    input:
        paths_in(tables_by_layout(None, "_ranks.csv")),
    output:
        figure_files("ranks"),
    log:
        f"{RESULTS}/logs/draw_ranks.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_ranks.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: all_figures_params("draw_ranks", tables=tables_by_layout(None, "_ranks.csv")),
    script:
        "../workflow_scripts/draw_ranks.py"


rule draw_roc_pr:
    """Draw ROC and precision-recall curves of each data set."""
    input:
        paths_in(curve_scores()),
    output:
        figure_files("roc_pr", *dict(curve_scores())),
    log:
        f"{RESULTS}/logs/draw_roc_pr.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_roc_pr.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: all_figures_params("draw_roc_pr", figures=curve_scores()),
    script:
        "../workflow_scripts/draw_roc_pr.py"


rule draw_score_histograms:
    """Draw the image scores of each method on each data set."""
    input:
        paths_in(histogram_scores()),
    output:
        figure_files("score_histograms", *SHOWN),
    log:
        f"{RESULTS}/logs/draw_score_histograms.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_score_histograms.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: all_figures_params("draw_score_histograms", figures=histogram_scores()),
    script:
        "../workflow_scripts/draw_score_histograms.py"


rule draw_cost_accuracy:
    """Draw what runs cost against their AUROC."""
    input:
        paths_in(cost_records()),
    output:
        figure_files("cost_accuracy"),
    log:
        f"{RESULTS}/logs/draw_cost_accuracy.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_cost_accuracy.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: all_figures_params("draw_cost_accuracy", figures=cost_records()),
    script:
        "../workflow_scripts/draw_cost_accuracy.py"


rule draw_curation_page:
    """Show what is wrong with the images before any model sees them."""
    input:
        drawn=drawn_images(*SHOWN),
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
        lambda w: params(
            "draw_curation_page",
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
        figure_files("stage1", "{backbone}"),
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
            "draw_pretrain_curves",
            title=CONFIG.backbone(w.backbone)["title"],
            stand_in=is_stand_in_backbone(CONFIG, w.backbone),
        ),
    script:
        "../workflow_scripts/draw_pretrain_curves.py"


rule curation:
    """The curation page, and the datasheet of each data set."""
    input:
        rules.draw_curation_page.output,
        expand(rules.write_datasheet.output, dataset=SHOWN),


rule figures:
    """Every figure, in the order shown."""
    input:
        expand(rules.draw_anomaly_maps.output, dataset=SHOWN),
        rules.draw_auroc_by_k.output if dict(tables_by_layout("dataset_k")) else [],
        rules.draw_ablation_steps.output if dict(tables_by_layout("method")) else [],
        rules.draw_ranks.output,
        rules.draw_roc_pr.output if curve_scores() else [],
        rules.draw_score_histograms.output if SHOWN else [],
        rules.draw_cost_accuracy.output if cost_records() else [],
        rules.draw_training_curves.output if CURVED else [],
        expand(rules.draw_pretrain_curves.output, backbone=TRAINED),
        expand(rules.draw_synthesis_gallery.output, dataset=[d for d in SHOWN if gallery_synthesis(d)]),
