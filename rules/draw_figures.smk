"""Figures: results/figures/."""


def gallery_runs(dataset):
    """Runs whose maps the gallery of a data set shows: every method at its largest k, first seed."""
    runs = [run for run in RUNS if run.dataset == dataset and run.seed == CONFIG.data["seeds"][0]]
    largest = max((run.k for run in runs), default=0)
    return {run.method: run for run in runs if run.k == largest}


GALLERIES = [dataset for dataset in DATASETS if gallery_runs(dataset)]


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
    params:
        lambda w: params(
            "fusionmedclip.reporting.map_gallery",
            title=DATASETS[w.dataset]["title"],
            titles=[CONFIG.method(name)["title"] for name in gallery_runs(w.dataset)],
            k=max(run.k for run in gallery_runs(w.dataset).values()),
            stand_in=CONFIG.data["tier"] != "paper",
        ),
    log:
        f"{RESULTS}/logs/draw_anomaly_maps/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_anomaly_maps/{{dataset}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../workflow_scripts/draw_anomaly_maps.py"


rule figures:
    """Every figure."""
    localrule: True
    input:
        expand(rules.draw_anomaly_maps.output, dataset=GALLERIES),
