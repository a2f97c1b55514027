"""The curation page: results/figures/curation.html, what is wrong with the images before any model sees them.

Required: manifests, curation, splits and supports of the data sets shown.
"""


rule draw_curation_page:
    """Show what is wrong with the images before any model sees them."""
    input:
        drawn_images(*SHOWN),
        paths_in([support_sets(dataset) for dataset in SHOWN]),
        manifests=of_each(rules.list_dataset.output.manifest, dataset=SHOWN),
        curations=of_each(rules.curate_dataset.output.curation, dataset=SHOWN),
        duplicates=of_each(rules.curate_dataset.output.duplicates, dataset=SHOWN),
    output:
        out=f"{RESULTS}/figures/curation.html",
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
            "reporting.report.curation:write_curation_page",
            sources={name: CONFIG.source(name) for name in SHOWN},
            splits={name: support_sets(name) for name in SHOWN},
        ),
    script:
        "../workflow_scripts/run_job.py"


rule curation:
    """The curation page, and the datasheet of each data set."""
    input:
        rules.draw_curation_page.output,
        of_each(rules.write_datasheet.output, dataset=SHOWN),
    localrule: True
