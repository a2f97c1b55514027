"""The report: results/report.html, one page that opens offline; results/crate.zip, an RO-Crate to archive.

Required: tables, figures, metrics, datasheets and the verification.
"""


rule write_report:
    """Write tables, figures and all that stands behind them into one page."""
    input:
        expand(f"{RESULTS}/tables/{{table}}.csv", table=REPORTED),
        tables=expand(f"{RESULTS}/tables/{{table}}.html", table=REPORTED),
        claims=[f"{RESULTS}/tables/{CLAIMS}.html"] if CLAIMED else [],
        figures=FIGURES_SHOWN,
        datasheets=of_each(rules.write_datasheet.output.out, dataset=SHOWN),
        curations=of_each(rules.curate_dataset.output.curation, dataset=SHOWN),
        metrics=[f"{RESULTS}/metrics/{run.path}.json" for run in RUNS],
        deviations=of_project("docs/deviations.md"),
        verification=rules.verify_results.output.out,
    output:
        out=report(
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
            "reporting.report.write:write_report",
            outside=contents([of_project("docs/deviations.md")]),
            controls=CONTROLS,
            titles=TITLES,
            jobs=stage_jobs(),
            configuration=CONFIG.data,
        ),
    script:
        "../workflow_scripts/run_job.py"


rule report:
    """The report."""
    input:
        rules.write_report.output,
    localrule: True


rule write_crate:
    """Pack tables, figures, report and what they were made from, described as an RO-Crate."""
    input:
        lambda w: all_finished(),
        workflow_parts(),
        files=[rules.write_report.output.out, *rules.all_tables.input, *rules.figures.input],
        datasheets=rules.write_report.input.datasheets,
        metrics=rules.write_report.input.metrics,
        verification=rules.verify_results.output.out,
        workflow=of_project("Snakefile"),
    output:
        out=f"{RESULTS}/crate.zip",
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
            "reporting.crate:write_crate",
            outside=contents([of_project("Snakefile"), *workflow_parts()]),
            results=COPIES,
            titles=TITLES,
            configuration=CONFIG.data,
        ),
    script:
        "../workflow_scripts/run_job.py"


rule crate:
    """The archive of the results."""
    input:
        rules.write_crate.output,
    localrule: True
