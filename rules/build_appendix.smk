"""Tables A1 to A3: results/tables/table_a{1,2,3}.{csv,md,tex,html}.

Required: nothing but the configuration.
"""


rule build_appendix:
    """Tables A1 to A3: the thesis's hyperparameters and UMLS information beside the configuration's."""
    output:
        [path for path in table_files(APPENDIX) if not path.endswith(".html")],
        [
            report(
                f"{RESULTS}/tables/{name}.html",
                category="Tables",
                caption="captions/appendix.rst",
                labels={"table": name, "title": entry["title"]},
            )
            for name, entry in appendix_request(CONFIG).items()
        ],
    log:
        f"{RESULTS}/logs/build_appendix.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_appendix.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_appendix",
            "reporting.tables.appendix_formats:build_appendix",
            tables=appendix_request(CONFIG),
            folder=f"{RESULTS}/tables",
        ),
    script:
        "../workflow_scripts/run_job.py"
