"""What each figure shows."""


def gallery_runs(dataset):
    """Runs that the figures of a data set show: every method at its largest k, first seed."""
    runs = [run for run in RUNS if run.dataset == dataset and run.seed == CONFIG.data["seeds"][0]]
    largest = max((run.k for run in runs), default=0)
    return {run.method: run for run in runs if run.k == largest}


def figure_params(module, dataset, **values):
    """What every figure of a data set depends on, and more."""
    k = max(run.k for run in gallery_runs(dataset).values())
    title = DATASETS[dataset]["title"]
    return params(module, title=title, k=k, stand_in=CONFIG.data["tier"] != "paper", **values)


def curve_logs(dataset):
    """Training logs of our own methods, all seeds, by title."""
    ours = {m: run for m, run in gallery_runs(dataset).items() if CONFIG.method(m)["kind"] == "fusionmedclip"}
    seeds = CONFIG.data["seeds"]
    return {
        CONFIG.method(method)["title"]: [
            f"{RESULTS}/runs/{dataset}/{run.split}/{method}/k{run.k}/seed{seed}/training_log.csv"
            for seed in seeds
        ]
        for method, run in ours.items()
    }


def gallery_synthesis(dataset):
    """Synthesis settings that our first method with any uses on a data set, and its support set."""
    for method, run in gallery_runs(dataset).items():
        settings = run_settings(CONFIG, run)["method"]["settings"]
        if "synthesis" in settings:
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


TRAINED = [name for name in STAGE1 if any(CONFIG.method(run.method)["backbone"] == name for run in RUNS)]
SHOWN = [dataset for dataset in DATASETS if gallery_runs(dataset)]
CURVED = [dataset for dataset in SHOWN if curve_logs(dataset)]
