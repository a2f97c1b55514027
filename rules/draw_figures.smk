"""Figures: results/figures/, one rule for each of the catalogue (fusionmedclip/reporting/figures/catalogue.py).

Required: what the figure's selection names (figure_inputs.smk).
"""

# For captions/figure.rst: a caption of snakemake --report sees its rule's name and the configuration.
config["figures"] = {f"draw_{kind}": figure.caption for kind, figure in FIGURES.items()}


for _kind in DRAWN:

    rule:
        name:
            f"draw_{_kind}"
        input:
            partial(figure_inputs, _kind),
        output:
            figure_outputs(_kind),
        log:
            f"{RESULTS}/logs/{of_job(_kind)}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{of_job(_kind)}.tsv"
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            partial(figure_params, _kind),
        script:
            "../workflow_scripts/run_job.py"


rule figures:
    """Every figure, in the order shown."""
    input:
        [path for kind in DRAWN for path in figure_paths(kind)],
    localrule: True
