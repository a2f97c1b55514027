"""Which runs stand for a data set in figures and pages."""


def gallery_runs(dataset):
    """Runs that the galleries of a data set show: every method at its largest k, first seed."""
    runs = [run for run in RUNS if run.dataset == dataset and run.seed == CONFIG.data["seeds"][0]]
    largest = max((run.k for run in runs), default=0)
    return {m: run for m in METHODS for run in runs if (run.method, run.k) == (m, largest)}


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


def stands_in(runs):
    """Whether any of some runs is not the thesis's protocol."""
    return any(reasons_of(run.dataset, run.method) for run in runs)


def score_file(run):
    """Image scores of a run."""
    return f"{RESULTS}/scores/{run.path}/scores.csv"


def support_file(run):
    """Support set of a run."""
    return f"{RESULTS}/support/{run.dataset}/{run.split}/k{run.k}_seed{run.seed}.csv"


def support_sets(dataset):
    """Support sets of the tables: k, seed and file of each, by split."""
    found = {}
    for run in RUNS:
        if run.dataset == dataset:
            found.setdefault(run.split, {})[support_file(run)] = [run.k, run.seed]
    return {
        split: {
            "file": f"{RESULTS}/datasets/{dataset}/split_{split}.csv",
            "supports": [[k, seed, file] for file, (k, seed) in supports.items()],
        }
        for split, supports in found.items()
    }


SHOWN = [dataset for dataset in DATASETS if gallery_runs(dataset)]
TRAINED = [name for name in STAGE1 if any(CONFIG.run_backbone(run.method, run.seed) == name for run in RUNS)]
