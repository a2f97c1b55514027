"""Which runs a table needs: tables are made of rows, rows of cells, cells of runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from fusionmedclip.config import Config
from fusionmedclip.errors import InputError
from fusionmedclip.methods import is_built, learns_from_others, stored_layers
from fusionmedclip.provenance import digest
from fusionmedclip.reporting.status import reasons_of
from fusionmedclip.reporting.thesis.differences import differences, resolved, resolved_backbone
from fusionmedclip.reporting.thesis.protocol import counterpart

__all__ = [
    "Cell",
    "Run",
    "declared_stand_ins",
    "is_run",
    "is_stand_in_backbone",
    "layers_stored",
    "learnt_part",
    "learnt_settings",
    "others",
    "row_request",
    "rows_of",
    "run_settings",
    "runs_of",
    "stand_in_reasons",
    "table_request",
]


@dataclass(frozen=True, order=True)
class Run:
    """One training and its scores. It knows nothing of tables: what two tables share is trained once."""

    dataset: str
    split: str
    method: str
    k: int
    seed: int

    @property
    def path(self) -> str:
        """Where it lies below ``runs/``, ``scores/`` and ``metrics/``."""
        return f"{self.dataset}/{self.split}/{self.method}/k{self.k}/seed{self.seed}"


@dataclass(frozen=True)
class Cell:
    """One number of a table: a method on a data set with k support images, over all seeds."""

    table: str
    row: int
    dataset: str
    method: str
    k: int
    metric: str

    def runs(self, config: Config) -> list[Run]:
        """The runs behind it; none where the method is not built."""
        if not is_run(config, self.method):
            return []
        split = config.data["split"]
        return [Run(self.dataset, split, self.method, self.k, seed) for seed in config.data["seeds"]]


def is_run(config: Config, method: str) -> bool:
    """Whether a method runs here: its kind is built, and this configuration does not skip it."""
    entry = config.method(method)
    return is_built(entry["kind"]) and not entry.get("skip")


def layers_stored(config: Config, backbone: str) -> list[int | str]:
    """What is kept of a frozen backbone: all layers where one scores from maps, ``gap`` where one reads it.

    Not those alone that are read today: another choice of layers then computes nothing anew but its own runs.
    """
    methods = [config.method(name) for name in config.data["methods"] if is_run(config, name)]
    read = {
        layer
        for m in methods
        if backbone in {m["backbone"], *(config.run_backbone(m["name"], s) for s in config.data["seeds"])}
        for layer in stored_layers(m["kind"], m["settings"])
    }
    maps = config.backbone(backbone)["layers"] if read - {"gap"} else []
    return [*maps, *(["gap"] if "gap" in read else [])]


def others(config: Config, dataset: str) -> list[str]:
    """The other data sets, which a meta-trained method may learn from."""
    return sorted(name for name in config.data["datasets"] if name != dataset)


def rows_of(config: Config, table: str) -> dict[int, list[Cell]]:
    """Cells of each row, rows numbered from 1 in the order printed.

    ``dataset_k``: a row for each data set and k, a column for each method (Tables 6 and 7). ``method``: a row
    for each method, a column for each data set and k (Table 8).
    """
    entry = config.data["tables"][table]
    places = [(dataset, k) for dataset in entry["datasets"] for k in entry["shots"]]
    if entry["rows"] == "method":
        keys = [[(dataset, method, k) for dataset, k in places] for method in entry["methods"]]
    else:
        keys = [[(dataset, method, k) for method in entry["methods"]] for dataset, k in places]
    return {
        number: [Cell(table, number, *key, entry["metric"]) for key in row]
        for number, row in enumerate(keys, start=1)
    }


def runs_of(config: Config, cells: Iterable[Cell]) -> list[Run]:
    """Distinct runs behind some cells, sorted."""
    return sorted({run for cell in cells for run in cell.runs(config)})


def run_settings(config: Config, run: Run) -> dict:
    """All that decides what a run computes, as plain data; its digest identifies the run.

    A method's synthesis takes the data set's organ profile unless it names one itself.

    Raises
    ------
    InputError
        If its method learns from other data sets and there are none.
    """
    data = config.data
    method = config.method(run.method)
    settings = method["settings"]
    profile = config.dataset(run.dataset).get("profile")
    if settings.get("synthesis") is not None and profile and "profile" not in settings["synthesis"]:
        settings = {**settings, "synthesis": {**settings["synthesis"], "profile": profile}}
    more = {key: method[key] for key in ("oracle", "support_folds") if method.get(key)}
    backbone = config.run_backbone(run.method, run.seed)
    found = {"name": backbone} if backbone == method["backbone"] else {"name": backbone, "repeated": True}
    dataset = config.dataset(run.dataset)
    learns = learns_from_others(method["kind"], settings)
    meta = others(config, run.dataset) if learns else []
    if learns and not meta:
        raise InputError(
            f"methods.{run.method} learns from other data sets than the one that it is tested on",
            received=f"{run.dataset} alone",
            allowed="two data sets or more in the configuration",
            hint="take it out of the tables; RegAD can learn from the support set (meta_source: support)",
        )
    return {
        "method": {"name": run.method, "kind": method["kind"], "settings": settings, **more},
        "backbone": None if backbone is None else {**found, **backbone_identity(config, backbone)},
        "dataset": run.dataset,
        "source": dataset["source"],
        "test": dataset["test"],
        "split": run.split,
        "split_seed": data["split_seed"],
        "supports": data["supports"],
        "k": run.k,
        "seed": run.seed,
        "image_size": data["image_size"],
        "images": data["images"],
        "threads": data["threads"],
        "examples": data["examples"],
        "meta": {name: {key: config.dataset(name)[key] for key in ("source", "test")} for name in meta},
    }


def learnt_settings(config: Config, run: Run) -> dict:
    """All that decides what a run's method learns from other data sets: neither k nor what is tested."""
    return learnt_part(run_settings(config, run))


def learnt_part(settings: Mapping[str, Any]) -> dict:
    """Of a run's settings, the same."""
    left_out = ("source", "test", "supports", "k", "examples")
    return {key: value for key, value in settings.items() if key not in left_out}


def backbone_identity(config: Config, name: str) -> dict:
    """What a backbone is made of, Stage 1 and its captions included."""
    entry = config.backbone(name)
    identity = {"make": config.backbone_settings(name), "stage1": entry["stage1"]}
    if entry["stage1"]:
        identity["captions"] = config.captions(entry["stage1"]["captions"])["source"]
    return identity


def stand_in_reasons(config: Config, *, dataset: str, method: str, metric: str = "") -> list[str]:
    """What in a method's runs on a data set is not the thesis's protocol, whatever k; empty where nothing is.

    A method or data set that the protocol does not have is compared in all else. Whether the images on disk
    are the thesis's is another question (:mod:`fusionmedclip.reporting.thesis.images`). ``metric``
    leaves out what does not go into it, the lesion masks of an image metric.
    """
    shipped = counterpart(config, dataset)
    ours, protocol = (
        resolved(
            run_settings(c, Run(dataset, c.data["split"], method, 0, c.data["seeds"][0])),
            c.data["seeds"],
            metric=metric,
        )
        for c in (config, shipped)
    )
    here, there = (
        c.backbone(name).get("title", name) if (name := c.method(method)["backbone"]) else ""
        for c in (config, shipped)
    )
    declared = declared_stand_ins(config, dataset=dataset, method=method)
    return reasons_of(differences(ours, protocol), weights=(here, there), **declared)


def declared_stand_ins(config: Config, *, dataset: str, method: str) -> dict:
    """What the configuration says that a method's data are in place of, as :func:`reasons_of` takes it."""
    entry = config.method(method)
    stage1 = config.backbone(entry["backbone"])["stage1"] if entry["backbone"] else None
    meta = others(config, dataset) if learns_from_others(entry["kind"], entry["settings"]) else []
    return {
        "data": config.dataset(dataset).get("stand_in"),
        "captions": config.captions(stage1["captions"]).get("stand_in") if stage1 else None,
        "others": [name for name in meta if config.dataset(name).get("stand_in")],
    }


def is_stand_in_backbone(config: Config, name: str) -> bool:
    """Whether a backbone is not the protocol's, its Stage 1 and captions included."""
    ours, protocol = (
        {"backbone": resolved_backbone(backbone_identity(c, name))} for c in (config, counterpart(config))
    )
    stage1 = config.backbone(name)["stage1"]
    declared = stage1 and config.captions(stage1["captions"]).get("stand_in")
    return bool(declared or differences(ours, protocol))


def row_request(config: Config, table: str, number: int) -> list[dict]:
    """What a row needs to be built, as plain data: the only part of the configuration that it depends on."""
    request = []
    reasons = cache(partial(stand_in_reasons, config))  # the same for every k
    for cell in rows_of(config, table)[number]:
        method = config.method(cell.method)
        backbone = method["backbone"]
        request.append(
            {
                "table": table,
                "row": number,
                "dataset": cell.dataset,
                "method": cell.method,
                "k": cell.k,
                "metric": cell.metric,
                "split": config.data["split"],
                "backbone": "none" if backbone is None else config.backbone(backbone).get("title", backbone),
                "reasons": reasons(dataset=cell.dataset, method=cell.method, metric=cell.metric),
                "declared": declared_stand_ins(config, dataset=cell.dataset, method=cell.method),
                "runs": {run.path: digest(run_settings(config, run)) for run in cell.runs(config)},
            }
        )
    return request


def table_request(config: Config, table: str) -> list[dict]:
    """What a whole table asks for: :func:`row_request` of all its rows."""
    return [cell for row in rows_of(config, table) for cell in row_request(config, table, row)]
