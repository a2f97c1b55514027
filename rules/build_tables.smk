"""Tables: results/tables/{table}/row_{row}.csv, {table}.{csv,md,tex,html}.

Targets: each table and row, and the runs of each data set, method and k (dataset_busi, method_patchcore, k_16).
"""


localrules:
    all_tables,
    build_appendix,
    build_row,
    build_statistics,
    build_table,


rule build_row:
    """Put one row together from finished metrics, and refuse those made with other settings."""
    input:
        metrics=lambda w: metrics_of(row_cells(w)),
        scores=lambda w: scores_of(row_cells(w)),
        manifests=lambda w: sorted(
            {f"{RESULTS}/datasets/{cell.dataset}/manifest.csv" for cell in row_cells(w) if cell.runs(CONFIG)}
        ),
    output:
        f"{RESULTS}/tables/{{table}}/row_{{row}}.csv",
    log:
        f"{RESULTS}/logs/build_row/{{table}}_{{row}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_row/{{table}}_{{row}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_row",
            request=row_request(CONFIG, w.table, int(w.row)),
            results=RESULTS,
        ),
    script:
        "../workflow_scripts/build_row.py"


rule build_statistics:
    """Compare and rank the methods of a table, and collect the other metrics of its runs."""
    input:
        unpack(table_images),
        metrics=lambda w: metrics_of(table_cells(w)),
        scores=lambda w: scores_of(table_cells(w)),
    output:
        comparisons=f"{RESULTS}/tables/{{table}}_comparisons.csv",
        ranks=f"{RESULTS}/tables/{{table}}_ranks.csv",
        metrics=f"{RESULTS}/tables/{{table}}_metrics.csv",
        verdicts=f"{RESULTS}/tables/{{table}}_verdicts.csv",
    log:
        f"{RESULTS}/logs/build_statistics/{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_statistics/{{table}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_statistics",
            request=table_request(CONFIG, w.table),
            results=RESULTS,
            unranked=ORACLES,
        ),
    script:
        "../workflow_scripts/build_statistics.py"


rule build_table:
    """Put a table together from its rows, in four formats, and record what it was made from."""
    input:
        unpack(table_images),
        rows=lambda w: [f"{RESULTS}/tables/{w.table}/row_{row}.csv" for row in ROWS[w.table]],
        statistics=rules.build_statistics.output,
        metrics=lambda w: metrics_of(table_cells(w)),
        scores=lambda w: scores_of(table_cells(w)),
    output:
        record=f"{RESULTS}/tables/{{table}}{RECORD}",
        csv=f"{RESULTS}/tables/{{table}}.csv",
        text=f"{RESULTS}/tables/{{table}}.md",
        latex=f"{RESULTS}/tables/{{table}}.tex",
        html=report(
            f"{RESULTS}/tables/{{table}}.html",
            category="Tables",
            caption="captions/table.rst",
            labels=lambda w: {"table": w.table, "title": TABLES[w.table]["title"]},
        ),
    log:
        f"{RESULTS}/logs/build_table/{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_table/{{table}}.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params(
            "build_table",
            results=RESULTS,
            request=table_request(CONFIG, w.table),
            look=table_layout(CONFIG, w.table),
        ),
    script:
        "../workflow_scripts/build_table.py"


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
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        lambda w: params("build_appendix", tables=appendix_request(CONFIG)),
    script:
        "../workflow_scripts/build_appendix.py"


rule all_tables:
    """Every table of the configuration, and Tables A1 to A3."""
    input:
        tables=table_files([*TABLES, *APPENDIX]),


for _table in TABLES:

    rule:
        name:
            _table
        input:
            table_files([_table]),
        localrule: True

    for _row in ROWS[_table]:

        rule:
            name:
                f"{_table}_row_{_row}"
            input:
                f"{RESULTS}/tables/{_table}/row_{_row}.csv",
            localrule: True


for _field, _values in (("dataset", DATASETS), ("method", METHODS), ("k", sorted({run.k for run in RUNS}))):
    for _value in _values:

        rule:
            name:
                f"{_field}_{_value}"
            input:
                [f"{RESULTS}/metrics/{run.path}.json" for run in RUNS if getattr(run, _field) == _value],
            localrule: True


for _table in APPENDIX:

    rule:
        name:
            _table
        input:
            table_files([_table]),
        localrule: True
