"""What each figure shows."""

from functools import partial

from fusionmedclip.reporting.figures.captions import TITLES as FIGURE_TITLES


def gallery_runs(dataset):
    """Runs that the figures of a data set show: every method at its largest k, first seed."""
    runs = [run for run in RUNS if run.dataset == dataset and run.seed == CONFIG.data["seeds"][0]]
    largest = max((run.k for run in runs), default=0)
    return {m: run for m in METHODS for run in runs if (run.method, run.k) == (m, largest)}


def stands_in(runs):
    """Whether any of some runs is not the thesis's protocol."""
    return any(reasons_of(run.dataset, run.method) for run in runs)


def figure_params(rule, dataset, **values):
    """What every figure of a data set depends on, and more."""
    k = max(run.k for run in gallery_runs(dataset).values())
    title = DATASETS[dataset]["title"]
    return params(rule, title=title, k=k, stand_in=stands_in(gallery_runs(dataset).values()), **values)


def all_figures_params(rule, **values):
    """What one figure of all data sets depends on, and more."""
    stand_in = {} if "tables" in values else {"stand_in": stands_in(RUNS)}
    return params(rule, titles=TITLES, **stand_in, **values)


def largest_runs(dataset):
    """Each method's runs at its own largest k, all seeds."""
    largest = {}
    for run in RUNS:
        if run.dataset == dataset:
            largest[run.method] = max(run.k, largest.get(run.method, 0))
    return {
        m: [run for run in RUNS if (run.dataset, run.method, run.k) == (dataset, m, largest[m])]
        for m in METHODS
        if m in largest
    }


def histogram_scores():
    """Score files of each method of each data set; pairs, since params keep no order of keys."""
    return [
        [dataset, [[m, {"k": runs[0].k, "scores": [*map(score_file, runs)]}] for m, runs in methods.items()]]
        for dataset, methods in ((dataset, largest_runs(dataset)) for dataset in SHOWN)
    ]


def curve_scores():
    """Score files of each data set, by image table at its largest k and by method."""
    return [[dataset, groups] for dataset in SHOWN if (groups := _table_groups(dataset))]


def _table_groups(dataset):
    groups = []
    for table, entry in TABLES.items():
        cells = [cell for row in ROWS[table].values() for cell in row if cell.dataset == dataset]
        k = max(entry["shots"])
        runs = [[c.method, [*map(score_file, c.runs(CONFIG))]] for c in cells if c.k == k and c.runs(CONFIG)]
        if entry["metric"] == "image_auroc" and runs:
            groups.append([table, {"k": k, "runs": runs}])
    return groups


def cost_records():
    """Metrics files of each data set and method, controls left out."""
    return [
        [dataset, [[m, [f"{RESULTS}/metrics/{run.path}.json" for run in runs]] for m, runs in methods]]
        for dataset in SHOWN
        if (methods := [pair for pair in largest_runs(dataset).items() if pair[0] not in CONTROLS])
    ]


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


def paths_in(found):
    """Every path in nested lists and mappings: what a figure reads."""
    if isinstance(found, str):
        return [found] if found.startswith(f"{RESULTS}/") else []
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    return [path for part in parts for path in paths_in(part)]


def tables_by_layout(layout, suffix=".csv"):
    """Tables of a layout and their files."""
    return [[t, f"{RESULTS}/tables/{t}{suffix}"] for t in TABLES if layout in (None, TABLES[t]["rows"])]


def figure_files(kind, *names):
    """PNG and PDF of each figure of a kind; the PNGs are in snakemake --report."""
    stems = {f"{kind}_{name}": {"of": name} for name in names} or {kind: {}}
    caption = f"../fusionmedclip/reporting/figures/captions/{kind}.rst"
    marked = partial(report, category="Figures", caption=caption)
    title = {"figure": FIGURE_TITLES[kind]}
    shown = [marked(f"{RESULTS}/figures/{stem}.png", labels={**title, **of}) for stem, of in stems.items()]
    return shown + [f"{RESULTS}/figures/{stem}.pdf" for stem in stems]


def gallery_synthesis(dataset):
    """Synthesis settings that our first method with any uses on a data set, and its support set."""
    for method, run in gallery_runs(dataset).items():
        settings = run_settings(CONFIG, run)["method"]["settings"]
        if settings.get("synthesis") is not None:
            support = f"{RESULTS}/support/{dataset}/{run.split}/k{run.k}_seed{run.seed}.csv"
            return support, {"settings": settings["synthesis"], "seed": run.seed}
    return None


def support_sets(dataset):
    """Support sets of the tables: k, seed and file of each, by split."""
    found = {}
    for run in RUNS:
        if run.dataset == dataset:
            file = f"{RESULTS}/support/{dataset}/{run.split}/k{run.k}_seed{run.seed}.csv"
            found.setdefault(run.split, {})[file] = [run.k, run.seed]
    return {
        split: {
            "file": f"{RESULTS}/datasets/{dataset}/split_{split}.csv",
            "supports": [[k, seed, file] for file, (k, seed) in supports.items()],
        }
        for split, supports in found.items()
    }


def support_files(datasets):
    """The split and support files behind the tables of some data sets."""
    splits = [split for dataset in datasets for split in support_sets(dataset).values()]
    return [split["file"] for split in splits] + [
        file for split in splits for _, _, file in split["supports"]
    ]


TRAINED = [name for name in STAGE1 if any(CONFIG.run_backbone(run.method, run.seed) == name for run in RUNS)]
SHOWN = [dataset for dataset in DATASETS if gallery_runs(dataset)]
CURVED = [dataset for dataset, _ in training_logs()]
