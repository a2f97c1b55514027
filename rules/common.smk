"""Paths and wildcards of all rules, and what they ask of the configuration."""

RUN = "{dataset}/{split}/{method}/k{k}/seed{seed}"
LEARNT = "{dataset}/{split}/{method}/seed{seed}"
GPU = 0 if CONFIG.data["device"] == "cpu" else 1
CONTROLS = [name for name in CONFIG.data["methods"] if CONFIG.method(name).get("control")]
ORACLES = [name for name in CONFIG.data["methods"] if CONFIG.method(name).get("oracle")]
# By name. A method and the backbone that it brings may share theirs: the method's title is the one that is meant.
TITLES = {name: CONFIG.backbone(name).get("title", name) for name in CONFIG.data["backbones"]}
TITLES |= {name: entry["title"] for part in (TABLES, DATASETS) for name, entry in part.items()}
TITLES |= {name: CONFIG.method(name)["title"] for name in CONFIG.data["methods"]}


@cache
def reasons_of(dataset, method):
    """What in a method's runs on a data set is not the thesis's protocol; empty where nothing is."""
    return stand_in_reasons(CONFIG, dataset=dataset, method=method)


def of_project(path):
    """A file of the project, as seen from the working folder: a path that a moved clone keeps.

    Its time says nothing, since a fresh clone makes it anew: whoever reads it has its contents among its params.
    """
    return local(ancient(os.path.relpath(os.path.join(PROJECT, path))))


def one_of(names):
    """A wildcard constraint: exactly these names."""
    return "|".join(sorted(names)) or "nothing_is_configured_here"


wildcard_constraints:
    dataset=one_of(DATASETS),
    captions=one_of(CAPTIONS),
    origin=one_of(ORIGINS),
    split="paper|grouped",
    method=one_of(METHODS),
    backbone=one_of(CONFIG.data["backbones"]),
    table=one_of(TABLES),
    k="[0-9]+",
    seed="[0-9]+",
    row="[0-9]+",


def of_each(patterns, **values):
    """`expand` of what another rule writes, whose paths Snakemake has already marked as those of an object storage."""
    plain = [patterns] if isinstance(patterns, str) else patterns
    return expand([str(pattern).removeprefix(STORE) for pattern in plain], **values)


def run_of(wildcards):
    """The run that some wildcards name."""
    return Run(wildcards.dataset, wildcards.split, wildcards.method, int(wildcards.k), int(wildcards.seed))


@cache
def uses_features(method):
    """Whether a method scores from the frozen backbone's stored features alone."""
    entry = CONFIG.method(method)
    return entry["backbone"] is not None and reads_features(entry["kind"], entry["settings"])


def metrics_of(cells):
    """Metrics files behind some cells."""
    return [f"{RESULTS}/metrics/{run.path}.json" for run in runs_of(CONFIG, cells)]


def scores_of(cells):
    """Image scores behind some cells."""
    return [f"{RESULTS}/scores/{run.path}/scores.csv" for run in runs_of(CONFIG, cells)]
