"""Tables: results/tables/{table}/row_{row}.csv, {table}.{csv,md,tex,html} and what they were made from.

Required: the metrics and scores of their runs, and what is known of the images.
"""


rule build_row:
    """Put one row together from finished metrics, and refuse those made with other settings."""
    input:
        lambda w: metrics_of(row_cells(w)),
        lambda w: scores_of(row_cells(w)),
        manifests=lambda w: sorted(
            {f"{RESULTS}/datasets/{cell.dataset}/manifest.csv" for cell in row_cells(w) if cell.runs(CONFIG)}
        ),
    output:
        out=f"{RESULTS}/tables/{{table}}/row_{{row}}.csv",
    log:
        f"{RESULTS}/logs/build_row/{{table}}_{{row}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_row/{{table}}_{{row}}.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_row",
            "reporting.tables.row:build_row",
            request=asked_of_row(w.table, int(w.row)),
            results=COPIES,
        ),
    script:
        "../workflow_scripts/run_job.py"


rule build_statistics:
    """Compare and rank the methods of a table, and collect the other metrics of its runs."""
    input:
        unpack(table_images),
        lambda w: metrics_of(table_cells(w)),
        lambda w: scores_of(table_cells(w)),
    output:
        comparisons=f"{RESULTS}/tables/{{table}}_comparisons.csv",
        ranks=f"{RESULTS}/tables/{{table}}_ranks.csv",
        metrics=f"{RESULTS}/tables/{{table}}_metrics.csv",
        verdicts=f"{RESULTS}/tables/{{table}}_verdicts.csv",
    log:
        f"{RESULTS}/logs/build_statistics/{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_statistics/{{table}}.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_statistics",
            "reporting.comparisons.statistics:build_statistics",
            request=asked_of_table(w.table),
            results=COPIES,
            unranked=ORACLES,
        ),
    script:
        "../workflow_scripts/run_job.py"


rule build_table:
    """Put a table together from its rows, in every format, and record what it was made from."""
    input:
        unpack(table_images),
        lambda w: learnt_behind(table_cells(w)),
        rows=lambda w: [f"{RESULTS}/tables/{w.table}/row_{row}.csv" for row in ROWS[w.table]],
        comparisons=rules.build_statistics.output.comparisons,
        ranks=rules.build_statistics.output.ranks,
        further=rules.build_statistics.output.metrics,
        verdicts=rules.build_statistics.output.verdicts,
        metrics=lambda w: metrics_of(table_cells(w)),
        scores=lambda w: scores_of(table_cells(w)),
    output:
        record=f"{RESULTS}/tables/{{table}}{RECORD}",
        files=[
            *[f"{RESULTS}/tables/{name}" for name in files_of("{table}") if not name.endswith(".html")],
            report(
                f"{RESULTS}/tables/{{table}}.html",
                category="Tables",
                caption="captions/table.rst",
                labels=lambda w: {"table": w.table, "title": TABLES[w.table]["title"]},
            ),
        ],
    log:
        f"{RESULTS}/logs/build_table/{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_table/{{table}}.tsv"
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_table",
            "reporting.tables.write:write_table",
            entries=tuple(FORMATS.values()),
            results=COPIES,
            request=asked_of_table(w.table),
            look=table_layout(CONFIG, w.table),
        ),
    script:
        "../workflow_scripts/run_job.py"
