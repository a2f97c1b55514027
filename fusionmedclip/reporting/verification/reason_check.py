"""What a table says is not the thesis's protocol, made again from the settings that its runs recorded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fusionmedclip.config import Config
from fusionmedclip.methods import ours_in
from fusionmedclip.provenance import canonical
from fusionmedclip.reporting.status import reasons_of
from fusionmedclip.reporting.tables.inputs import TableRecord
from fusionmedclip.reporting.tables.rows import Run, run_settings
from fusionmedclip.reporting.thesis.differences import differences, resolved
from fusionmedclip.reporting.thesis.protocol import counterpart, protocol

__all__ = ["check_reasons"]

Settings = Mapping[str, Any]


def check_reasons(record: TableRecord, runs: Mapping[str, Settings]) -> Iterator[str]:
    """What of a table's record its runs' settings contradict, in words.

    The reasons of each cell; those, the methods without a rank and the notes on outputs as the printed
    formats take them. Of a method or data set that the protocol does not have, what it is based on is the
    configuration's to say, a method's backbone included: there, what differs in all else must be among them.

    Parameters
    ----------
    record : TableRecord
    runs : mapping
        Run to its settings; cells with a run that is not here are left out.
    """
    cells = [cell for cell in record.request if cell["runs"] and set(cell["runs"]) <= set(runs)]
    for cell in cells:
        if not any(_said(cell, runs[run]) for run in cell["runs"]):
            yield f"the reasons of {cell['dataset']}, {cell['method']} are not those of its runs' settings"
    if len(cells) < len([cell for cell in record.request if cell["runs"]]):
        return
    held = {(dataset, method): texts for dataset, method, texts in record.layout["reasons"]}
    if canonical(_pairs(held)) != canonical(
        _pairs({(c["dataset"], c["method"]): c["reasons"] for c in cells})
    ):
        yield "the reasons that it prints are not those of its cells"
    used = {cell["method"]: runs[next(iter(cell["runs"]))]["method"] for cell in cells}
    chosen = {name for name, method in used.items() if "oracle" in method}
    if chosen != set(record.layout["unranked"]) & set(used):
        yield "the methods without a rank are not those that chose by the test set"
    metric = cells[0]["metric"] if cells else ""
    open_ = {name: ours_in(method["kind"], method["settings"], metric) for name, method in used.items()}
    if {name: text for name, text in open_.items() if text} != (record.layout["ours"] or {}):
        yield "its notes on outputs that methods leave open are not those of their settings"


def _pairs(reasons: Mapping[tuple[str, str], Sequence[str]]) -> list:
    return sorted([*cell, list(texts)] for cell, texts in reasons.items())


def _said(cell: Mapping[str, Any], settings: Settings) -> bool:
    """Whether a cell's reasons are those of one of its runs."""
    seeds = [int(run.rpartition("seed")[2]) for run in cell["runs"]]
    shipped = _counterpart(settings)
    run = Run(settings["dataset"], protocol().data["split"], settings["method"]["name"], settings["k"], 0)
    theirs = run_settings(shipped, run)
    ours, protocols = (
        resolved(found, numbers, metric=cell["metric"])
        for found, numbers in ((settings, seeds), (theirs, protocol().data["seeds"]))
    )
    backbone = shipped.method(run.method)["backbone"]
    titles = (
        cell["backbone"] if settings["backbone"] else "",
        shipped.backbone(backbone).get("title", backbone) if backbone else "",
    )
    found, declared = differences(ours, protocols), cell["declared"]
    known = run.method in protocol().data["methods"]
    if not known:
        found = {path: values for path, values in found.items() if not path.startswith("backbone")}
        declared = {**declared, "captions": None}
    again = reasons_of(found, weights=titles, **declared)
    whole = known and run.dataset in protocol().data["datasets"]
    return again == cell["reasons"] if whole else set(again) <= set(cell["reasons"])


def _counterpart(settings: Settings) -> Config:
    """The protocol, with what it does not have taken from a run's settings."""
    method, backbone = settings["method"], settings["backbone"]
    synthesis = method["settings"].get("synthesis") or {}
    own = {key: settings[key] for key in ("source", "test")}
    if "profile" in synthesis:
        own["profile"] = synthesis["profile"]
    found: dict[str, Any] = {
        "datasets": {**settings["meta"], settings["dataset"]: own},
        "methods": {method["name"]: {**method, "backbone": backbone and backbone["name"]}},
    }
    if backbone:
        made = {name: value for name, value in backbone["make"].items() if name != "image_size"}
        entry = {**made, "layers": [], "stage1": backbone["stage1"]}
        found["backbones"] = {backbone["name"]: entry}
        if backbone["stage1"]:
            found["captions"] = {backbone["stage1"]["captions"]: {"source": backbone["captions"]}}
    return counterpart(Config(found), settings["dataset"])
