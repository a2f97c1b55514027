"""Targets: all tables, each table and row, and the runs of each data set, method and k (dataset_busi, method_patchcore, k_16).

Required: tables, their rows, metrics; each target makes what it names and nothing of its own.
"""


rule all_tables:
    """Every table of the configuration, Tables A1 to A3, and the thesis's claims where it has tables of theirs."""
    input:
        table_files(ALL_TABLES),
    localrule: True


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
