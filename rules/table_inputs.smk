"""Files behind tables, and behind everything that is verified."""

ALL_TABLES = [*TABLES, *APPENDIX, *([CLAIMS] if CLAIMED else [])]


def row_cells(wildcards):
    """Cells of the row that some wildcards name."""
    return ROWS[wildcards.table][int(wildcards.row)]


def table_cells(wildcards):
    """Cells of the table that some wildcards name."""
    return [cell for row in ROWS[wildcards.table].values() for cell in row]


@cache  # a table asks for what its rows ask for, and so do its statistics
def asked_of_row(table, row):
    """What a row needs to be built."""
    return row_request(CONFIG, table, row)


def asked_of_table(table):
    """What a whole table asks for, row by row."""
    return [cell for row in ROWS[table] for cell in asked_of_row(table, row)]


def table_images(wildcards):
    """What is known of the images behind the table that some wildcards name."""
    return images_of(wildcards.table)


def holds_labelled(table):
    """Whether a method of a table learns from labels of other data sets, so that it compares with no other table."""
    entries = map(CONFIG.method, TABLES[table]["methods"])
    return any(learns_labels(entry["kind"], entry["settings"]) for entry in entries)


def learnt_behind(cells):
    """Records of what labels of other data sets taught the methods of some cells; tables tell of them."""
    methods = {cell.method: CONFIG.method(cell.method) for cell in cells}
    labelled = {m for m, entry in methods.items() if learns_labels(entry["kind"], entry["settings"])}
    runs = [run for run in runs_of(CONFIG, cells) if run.method in labelled and learns(run.method)[2]]
    return sorted({path for run in runs for path in learnt_files(run) if path.endswith("provenance.json")})


def claimed_cells():
    """Cells of the tables that the thesis's claims rest on."""
    return [cell for table in CLAIMED for row in ROWS[table].values() for cell in row]


def claimed_images(wildcards):
    """Manifests and splits behind those."""
    found = [images_of(table) for table in CLAIMED]
    return {name: sorted({path for held in found for path in held[name]}) for name in ("manifests", "splits")}


def images_of(table):
    """What is known of the images behind a table; near-duplicates straddle support and test in no other split."""
    runs = runs_of(CONFIG, [cell for row in ROWS[table].values() for cell in row])
    folders = sorted({(f"{RESULTS}/datasets/{run.dataset}", run.split) for run in runs})
    return {
        "manifests": [f"{folder}/manifest.csv" for folder, _ in folders],
        "splits": [f"{folder}/split_{split}.csv" for folder, split in folders],
        "duplicates": [f"{folder}/duplicates.csv" for folder, split in folders if split == "paper"],
        "supports": sorted(
            {f"{RESULTS}/support/{run.dataset}/{run.split}/k{run.k}_seed{run.seed}.csv" for run in runs}
        ),
    }


def table_files(tables):
    """Files of some tables, in every format, and the records of what they were made from."""
    return [f"{RESULTS}/tables/{name}" for table in tables for name in (*files_of(table), f"{table}{RECORD}")]


def run_files(runs):
    """What some runs read and wrote, stored features apart: those follow from images and backbone."""
    found = set()
    for run in runs:
        read = {**run_inputs(run), **split_inputs(run)}
        read.pop("features", None)
        for files in read.values():
            found.update([files] if isinstance(files, str) else files)
        found.update(of_each(rules.run_method.output, **vars(run)))
    return sorted(found)


@cache
def all_finished():
    """Everything that is verified: tables, and what they were made from."""
    images = {path for table in TABLES for found in images_of(table).values() for path in found}
    datasets = sorted({run.dataset for run in RUNS})
    return [
        *table_files(ALL_TABLES),
        *[f"{RESULTS}/tables/{table}/row_{row}.csv" for table, rows in ROWS.items() for row in rows],
        *of_each(rules.build_statistics.output, table=TABLES),
        *[f"{RESULTS}/metrics/{run.path}.json" for run in RUNS],
        *drawn_images(*datasets),
        *of_each(rules.curate_dataset.output.curation, dataset=datasets),
        *sorted({*run_files(RUNS), *images}),
    ]
