"""The report: results/report.html, one page that opens offline; results/crate.zip, an RO-Crate to archive."""


localrules:
    report,
    crate,


rule write_report:
    """Write tables, figures and all that stands behind them into one page."""
    input:
        tables=expand(f"{RESULTS}/tables/{{table}}.html", table=REPORTED),
        numbers=expand(f"{RESULTS}/tables/{{table}}.csv", table=REPORTED),
        figures=FIGURES_SHOWN,
        datasheets=expand(rules.write_datasheet.output[0], dataset=SHOWN),
        curations=expand(rules.curate_dataset.output.curation, dataset=SHOWN),
        metrics=[f"{RESULTS}/metrics/{run.path}.json" for run in RUNS],
        deviations=of_project("docs/deviations.md"),
        verification=rules.verify_results.output[0],
    output:
        report(
            f"{RESULTS}/report.html",
            category="Report",
            caption="captions/report.rst",
            labels={"page": "Tables, figures and all that stands behind them"},
        ),
    log:
        f"{RESULTS}/logs/write_report.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_report.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: params(
            "write_report",
            controls=CONTROLS,
            titles=TITLES,
            jobs=stage_jobs(),
            configuration=CONFIG.data,
            contents=contents([of_project("docs/deviations.md")]),
        ),
    script:
        "../workflow_scripts/write_report.py"


rule report:
    """The report."""
    input:
        rules.write_report.output,


rule write_crate:
    """Pack tables, figures, report and what they were made from, described as an RO-Crate."""
    input:
        report=rules.write_report.output,
        tables=rules.all_tables.input.tables,
        figures=rules.figures.input,
        datasheets=rules.write_report.input.datasheets,
        metrics=rules.write_report.input.metrics,
        verification=rules.verify_results.output[0],
        verified=lambda w: all_finished(),
        workflow=of_project("Snakefile"),
        parts=workflow_parts(),
    output:
        f"{RESULTS}/crate.zip",
    log:
        f"{RESULTS}/logs/write_crate.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_crate.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        lambda w: params(
            "write_crate",
            results=RESULTS,
            titles=TITLES,
            configuration=CONFIG.data,
            contents=contents([of_project("Snakefile"), *workflow_parts()]),
        ),
    script:
        "../workflow_scripts/write_crate.py"


rule crate:
    """The archive of the results."""
    input:
        rules.write_crate.output,
