"""Which files each rule reads, where that depends on the configuration."""

from fusionmedclip.data.sources.outside import captions_digest, checkpoint_digest, source_digest
from fusionmedclip.pipeline.costs import cost_of


def captions_needed(wildcards):
    """Phantom captions must be drawn first; others lie on disk."""
    name = CONFIG.backbone(wildcards.backbone)["stage1"]["captions"]
    drawn = CAPTIONS[name]["source"]["kind"] == "phantoms"
    return f"{RESULTS}/captions/{name}/phantoms" if drawn else []


def backbone_files(name, part="backbone"):
    """Files of a backbone by the names that rules have for them; architecture and text towers go together."""
    folder = f"{RESULTS}/backbones/{name}"
    files = {part: f"{folder}/settings.json", f"{part}_weights": f"{folder}/model.safetensors"}
    if name not in TRUNKS:
        files[f"{part}_config"] = f"{folder}/open_clip_config.json"
    return files


def drawn_images(*datasets):
    """Images that the workflow draws itself; all others lie outside of it."""
    return expand(rules.draw_phantoms.output[0], dataset=[name for name in datasets if name in PHANTOMS])


@cache
def outside(dataset):
    """What the images of a data set look like, which the workflow has not drawn itself: nothing else sees a change."""
    return None if dataset in PHANTOMS else source_digest(CONFIG.source(dataset))


@cache
def outside_captions(name):
    """The same of captions."""
    source = CONFIG.source(name, section="captions")
    return None if CAPTIONS[name]["source"]["kind"] == "phantoms" else captions_digest(source)


def stage1_params(wildcards):
    """What Stage 1 depends on."""
    stage1 = CONFIG.backbone(wildcards.backbone)["stage1"]
    captions = CONFIG.source(stage1["captions"], section="captions")
    more = {
        "captions": captions,
        "device": device_of("pretrain_backbone"),
        "outside": outside_captions(stage1["captions"]),
    }
    return params("pretrain_backbone", **{**stage1, **more})


def stage1_processes(wildcards):
    """Processes of Stage 1 on one machine; each computes with a GPU of its own where there are any."""
    return CONFIG.backbone(wildcards.backbone)["stage1"].get("processes", 1)


def datasheet_request(dataset):
    """What a datasheet says; the origin only where the source is that public data set."""
    entry = DATASETS[dataset]
    return {
        "source": CONFIG.source(dataset),
        "acquire": ORIGINS[dataset]["settings"] if dataset in ORIGINS else None,
        "stated": {key: entry[key] for key in ("licence", "citation") if key in entry},
    }


def published_lists(dataset):
    """Lists of a published split; those that are not there are an error of the rule, which says more."""
    return [str(path) for path in sample_files(CONFIG.source(dataset)).values() if path.is_file()]


def split_inputs(wildcards):
    """Files that a split is made from; only the grouped one asks for duplicates."""
    folder = f"{RESULTS}/datasets/{wildcards.dataset}"
    files = {"manifest": f"{folder}/manifest.csv"}
    if wildcards.split == "grouped":
        files["duplicates"] = f"{folder}/duplicates.csv"
    return files


def run_inputs(wildcards):
    """Files that a run reads; a backbone and its stored features where the method uses them."""
    dataset = f"{RESULTS}/datasets/{wildcards.dataset}"
    files = {
        "manifest": f"{dataset}/manifest.csv",
        "images": f"{dataset}/images.npy",
        "masks": f"{dataset}/masks.npy",
        "split": f"{dataset}/split_{wildcards.split}.csv",
        "support": f"{RESULTS}/support/{wildcards.dataset}/{wildcards.split}/k{wildcards.k}_seed{wildcards.seed}.csv",
    }
    backbone = CONFIG.run_backbone(wildcards.method, int(wildcards.seed))
    if backbone:
        files |= backbone_files(backbone)
        if uses_features(wildcards.method):
            files["features"] = f"{RESULTS}/features/{backbone}/{wildcards.dataset}"
    if reads_files(CONFIG.method(wildcards.method)["kind"]):
        files["statistics"] = f"{dataset}/statistics.csv"
    if learns_from_others(
        CONFIG.method(wildcards.method)["kind"], CONFIG.method(wildcards.method)["settings"]
    ):
        files["meta"] = [
            f"{RESULTS}/datasets/{name}/{file}"
            for name in others(CONFIG, wildcards.dataset)
            for file in ("manifest.csv", "images.npy", f"split_{wildcards.split}.csv")
        ]
    return files


@cache
def _run_cost(dataset, method, k):
    test = DATASETS[dataset].get("test", {})
    return cost_of(CONFIG.method(method), k=k, images=sum(filter(None, test.values())))


def run_cost(wildcards):
    """What a run costs: fusionmedclip/pipeline/costs.py."""
    return _run_cost(wildcards.dataset, wildcards.method, int(wildcards.k))


def run_gpus(wildcards):
    """GPUs of a run: controls, and rows that train nothing and score from stored features, need none."""
    return GPU if run_cost(wildcards).gpu else 0


def row_cells(wildcards):
    """Cells of the row that some wildcards name."""
    return ROWS[wildcards.table][int(wildcards.row)]


def table_cells(wildcards):
    """Cells of the table that some wildcards name."""
    return [cell for row in ROWS[wildcards.table].values() for cell in row]


def table_images(wildcards):
    """What is known of the images behind the table that some wildcards name."""
    return images_of(wildcards.table)


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


def score_file(run):
    """Image scores of a run."""
    return f"{RESULTS}/scores/{run.path}/scores.csv"


def table_files(tables):
    """Files of some tables, in every format, and the records of what they were made from."""
    kinds = (".csv", ".md", ".tex", ".html", RECORD)
    return [f"{RESULTS}/tables/{table}{kind}" for table in tables for kind in kinds]


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


@cache
def all_finished():
    """Everything that is verified: tables, and what they were made from."""
    images = {path for table in TABLES for found in images_of(table).values() for path in found}
    datasets = sorted({run.dataset for run in RUNS})
    return [
        *table_files([*TABLES, *APPENDIX]),
        *[f"{RESULTS}/tables/{table}/row_{row}.csv" for table, rows in ROWS.items() for row in rows],
        *expand(rules.build_statistics.output, table=TABLES),
        *[f"{RESULTS}/metrics/{run.path}.json" for run in RUNS],
        *drawn_images(*datasets),
        *expand(rules.curate_dataset.output.curation, dataset=datasets),
        *sorted({*run_files(RUNS), *images}),
    ]
