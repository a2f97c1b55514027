"""Configuration, paths and the slices of configuration that rules depend on."""

import json
import sys

sys.path.insert(0, workflow.basedir)

from fusionmedclip.config import Config
from fusionmedclip.data.acquire import AcquireSettings
from fusionmedclip.errors import InputError
from fusionmedclip.methods import (
    check_settings,
    check_stage1,
    entry_module,
    is_built,
    reads_features,
    reads_files,
)
from fusionmedclip.pipeline import warm
from fusionmedclip.provenance import canonical, code_digest
from fusionmedclip.reporting.rows import Run, row_request, rows_of, run_settings, runs_of


def checked(data):
    """The configuration, or one readable error."""
    try:
        config = Config.checked(data)
        for name in config.data["methods"]:
            method = config.method(name)
            if is_built(method["kind"]):
                check_settings(method["kind"], method["settings"], where=f"methods.{name}.settings")
        for name in config.data["backbones"]:
            check_stage1(config.backbone(name)["stage1"], where=f"backbones.{name}.stage1.settings")
        for section in ("datasets", "captions"):
            for entry in config.data.get(section, {}).values():
                if entry.get("acquire"):
                    AcquireSettings.from_config(entry["acquire"])
        return config
    except InputError as error:
        raise WorkflowError(f"The configuration cannot be used.\n{error}") from None


CONFIG = checked(config)
RESULTS = CONFIG.data["results"].rstrip("/")
DATASETS = CONFIG.data["datasets"]
PHANTOMS = [name for name in DATASETS if DATASETS[name]["source"]["kind"] == "phantoms"]
CAPTIONS = CONFIG.data.get("captions", {})
ORIGINS = {
    name: {
        "settings": entry["acquire"],
        "folder": CONFIG.source(name, section=section)["path"],
        "present": os.path.isdir(CONFIG.source(name, section=section)["path"]),
    }
    for section, entries in (("datasets", DATASETS), ("captions", CAPTIONS))
    for name, entry in entries.items()
    if entry.get("acquire") and not entry.get("stand_in") and entry["source"]["kind"] != "phantoms"
}
STAGE1 = [name for name in CONFIG.data["backbones"] if CONFIG.backbone(name)["stage1"]]
STOCK = [name for name in CONFIG.data["backbones"] if name not in STAGE1]
METHODS = [name for name in CONFIG.data["methods"] if is_built(CONFIG.method(name)["kind"])]
CONTROLS = [name for name in CONFIG.data["methods"] if CONFIG.method(name).get("control")]
TABLES = CONFIG.data["tables"]
ROWS = {table: rows_of(CONFIG, table) for table in TABLES}
RUNS = runs_of(CONFIG, [cell for rows in ROWS.values() for row in rows.values() for cell in row])
RUN = "{dataset}/{split}/{method}/k{k}/seed{seed}"
GPU = 0 if CONFIG.data["device"] == "cpu" else 1


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


def params(module, **values):
    """One string that changes with the values and with the code of a module and all it imports.

    Snakemake compares params as an unordered set and cannot see the library: a single string mends both.
    """
    return canonical({**values, "code": code_digest(module)})


def run_of(wildcards):
    """The run that some wildcards name."""
    return Run(wildcards.dataset, wildcards.split, wildcards.method, int(wildcards.k), int(wildcards.seed))


def uses_features(method):
    """Whether a method scores from the frozen backbone's stored features alone."""
    entry = CONFIG.method(method)
    return entry["backbone"] is not None and reads_features(entry["kind"], entry["settings"])


def metrics_of(cells):
    """Metrics files behind some cells."""
    return [f"{RESULTS}/metrics/{run.path}.json" for run in runs_of(CONFIG, cells)]


def captions_needed(wildcards):
    """Phantom captions must be drawn first; others lie on disk."""
    name = CONFIG.backbone(wildcards.backbone)["stage1"]["captions"]
    drawn = CAPTIONS[name]["source"]["kind"] == "phantoms"
    return f"{RESULTS}/captions/{name}/phantoms" if drawn else []


def stage1_params(wildcards):
    """What Stage 1 depends on."""
    stage1 = CONFIG.backbone(wildcards.backbone)["stage1"]
    captions = CONFIG.source(stage1["captions"], section="captions")
    return params("fusionmedclip.training.pretrain", **{**stage1, "captions": captions})


def datasheet_request(dataset):
    """What a datasheet says; the origin only where the source is that public data set."""
    entry = DATASETS[dataset]
    return {
        "source": CONFIG.source(dataset),
        "acquire": ORIGINS[dataset]["settings"] if dataset in ORIGINS else None,
        "stated": {key: entry[key] for key in ("licence", "citation") if key in entry},
    }


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
    backbone = CONFIG.method(wildcards.method)["backbone"]
    if backbone:
        files["backbone"] = f"{RESULTS}/backbones/{backbone}/settings.json"
        files["backbone_weights"] = f"{RESULTS}/backbones/{backbone}/model.safetensors"
        if uses_features(wildcards.method):
            files["features"] = f"{RESULTS}/features/{backbone}/{wildcards.dataset}"
    if reads_files(CONFIG.method(wildcards.method)["kind"]):
        files["statistics"] = f"{dataset}/statistics.csv"
    return files


def row_cells(wildcards):
    """Cells of the row that some wildcards name."""
    return ROWS[wildcards.table][int(wildcards.row)]
