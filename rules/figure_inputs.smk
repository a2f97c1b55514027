"""Selections that figures are drawn from; the catalogue of figures names one for each.

A selection gives what the drawing function is given, paths of results among it: these are what its rule waits for.
Pairs in place of mappings keep their order, which the keys of parameters do not.
"""


def gallery(wildcards):
    """Images, masks and the kept maps of a data set's runs."""
    dataset, runs = wildcards.dataset, gallery_runs(wildcards.dataset)
    return {
        "manifest": f"{RESULTS}/datasets/{dataset}/manifest.csv",
        "images": f"{RESULTS}/datasets/{dataset}/images.npy",
        "masks": f"{RESULTS}/datasets/{dataset}/masks.npy",
        "examples": [f"{RESULTS}/scores/{run.path}/examples.npz" for run in runs.values()],
        "titles": [CONFIG.method(name)["title"] for name in runs],
        "title": DATASETS[dataset]["title"],
        "k": max(run.k for run in runs.values()),
        "split_seed": CONFIG.data["split_seed"],
        "stand_in": stands_in(runs.values()),
    }


def synthesis_run(dataset):
    """The run of a data set's first method that trains on synthetic anomalies, and its settings of them."""
    for run in gallery_runs(dataset).values():
        settings = run_settings(CONFIG, run)["method"]["settings"].get("synthesis")
        if settings is not None:
            return run, settings
    return None


def synthesis_gallery(wildcards):
    """Images and support set of that run."""
    dataset = wildcards.dataset
    run, settings = synthesis_run(dataset)
    return {
        "manifest": f"{RESULTS}/datasets/{dataset}/manifest.csv",
        "images": f"{RESULTS}/datasets/{dataset}/images.npy",
        "support": support_file(run),
        "settings": settings,
        "seed": run.seed,
        "title": DATASETS[dataset]["title"],
        "stand_in": stands_in(gallery_runs(dataset).values()),
    }


def stage1_curves(wildcards):
    """Curves of Stage 1."""
    return {
        "curves": f"{RESULTS}/backbones/{wildcards.backbone}/retrieval.csv",
        "title": CONFIG.backbone(wildcards.backbone)["title"],
        "stand_in": is_stand_in_backbone(CONFIG, wildcards.backbone),
    }


def tables(layout=None, suffix=".csv"):
    """Tables of a layout, or of all, and a file of each."""
    return [[t, f"{RESULTS}/tables/{t}{suffix}"] for t in TABLES if layout in (None, TABLES[t]["rows"])]


def ranked():
    """Tables whose methods can be ranked: over two data sets or more, which are the blocks of the test."""
    datasets = {
        t: {c.dataset for row in rows.values() for c in row if c.runs(CONFIG)} for t, rows in ROWS.items()
    }
    return [[t, path] for t, path in tables(suffix="_ranks.csv") if len(datasets[t]) > 1]


def histogram_scores():
    """Score files of each method of each data set."""
    return [
        [dataset, [[m, {"k": runs[0].k, "scores": [*map(score_file, runs)]}] for m, runs in methods.items()]]
        for dataset, methods in ((dataset, largest_runs(dataset)) for dataset in SHOWN)
    ]


def curve_scores():
    """Score files of each data set, by image table at its largest k and by method."""
    return [[dataset, groups] for dataset in SHOWN if (groups := curve_groups(dataset))]


def curve_groups(dataset):
    """Score files of a data set by image table."""
    groups = []
    for table, entry in TABLES.items():
        cells = [cell for row in ROWS[table].values() for cell in row if cell.dataset == dataset]
        k = max(entry["shots"])
        runs = [[c.method, [*map(score_file, c.runs(CONFIG))]] for c in cells if c.k == k and c.runs(CONFIG)]
        if entry["metric"] == "image_auroc" and runs:
            groups.append([table, {"k": k, "runs": runs}])
    return groups


def cost_records():
    """Metrics files of each data set and method, controls left out; tables of labelled methods lie apart."""
    found = []
    for of_labels in (False, True):
        listed = {m for t in TABLES if holds_labelled(t) == of_labels for m in TABLES[t]["methods"]}
        for dataset in SHOWN:
            methods = [p for p in largest_runs(dataset).items() if p[0] in listed and p[0] not in CONTROLS]
            files = [[m, [f"{RESULTS}/metrics/{run.path}.json" for run in runs]] for m, runs in methods]
            found += [[dataset, {"labelled": of_labels, "runs": files}]] if files else []
    return found


def training_logs():
    """Training logs of our own methods, by data set and method."""
    found = []
    for dataset in SHOWN:
        ours = [
            [m, {"k": runs[0].k, "logs": [f"{RESULTS}/runs/{run.path}/training_log.csv" for run in runs]}]
            for m, runs in largest_runs(dataset).items()
            if CONFIG.method(m)["kind"] == "fusionmedclip"
        ]
        found += [[dataset, ours]] if ours else []
    return found
