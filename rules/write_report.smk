"""The report: results/report.html, one page that opens offline."""


localrules:
    report,


rule write_report:
    """Write the tables and figures into one page."""
    input:
        tables=expand(f"{RESULTS}/tables/{{table}}.csv", table=TABLES),
        figures=rules.figures.input,
    output:
        f"{RESULTS}/report.html",
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
        params(
            "fusionmedclip.reporting.report",
            controls=CONTROLS,
            tier=CONFIG.data["tier"],
            tables={name: [TABLES[name]["title"], TABLES[name]["rows"]] for name in TABLES},
            titles={name: entry["title"] for name, entry in DATASETS.items()}
            | {name: CONFIG.method(name)["title"] for name in CONFIG.data["methods"]},
        ),
    script:
        "../workflow_scripts/write_report.py"


rule report:
    """The report."""
    input:
        rules.write_report.output,
