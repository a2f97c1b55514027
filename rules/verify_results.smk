"""Everything finished held against itself: results/verification.json, which the report and the archive ask for."""


def run_files(runs):
    """What some runs read and wrote, stored features apart: those follow from images and backbone."""
    found = set()
    for run in runs:
        read = {**run_inputs(run), **split_inputs(run)}
        read.pop("features", None)
        for files in read.values():
            found.update([files] if isinstance(files, str) else files)
        found.update(expand(rules.run_method.output, **vars(run)))
    return sorted(found)


IMAGES_READ = sorted({run.dataset for run in RUNS})
KINDS_RUN = sorted({CONFIG.method(name)["kind"] for name in METHODS})  # whose settings are compared


rule verify_results:
    """Meet every cell of every table again, and name each file that was altered, deleted or added."""
    input:
        tables=rules.all_tables.input.tables,
        rows=[f"{RESULTS}/tables/{table}/row_{row}.csv" for table, rows in ROWS.items() for row in rows],
        statistics=expand(rules.build_statistics.output, table=TABLES),
        metrics=[f"{RESULTS}/metrics/{run.path}.json" for run in RUNS],
        runs=lambda w: run_files(RUNS),
        drawn=drawn_images(*IMAGES_READ),
        curations=expand(rules.curate_dataset.output.curation, dataset=IMAGES_READ),
        images=lambda w: sorted({path for t in TABLES for found in images_of(t).values() for path in found}),
    output:
        f"{RESULTS}/verification.json",
    log:
        f"{RESULTS}/logs/verify_results.log",
    benchmark:
        f"{RESULTS}/benchmarks/verify_results.tsv"
    conda:
        "../envs/data.yaml"
    threads: 8
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        lambda w: params(
            "verify_results",
            entries=tuple(entry_points(kind)[1] for kind in KINDS_RUN),
            kinds=KINDS_RUN,
            results=RESULTS,
            asked=asked_of(CONFIG),
            sources={name: CONFIG.source(name) for name in IMAGES_READ},
        ),
    script:
        "../workflow_scripts/verify_results.py"
