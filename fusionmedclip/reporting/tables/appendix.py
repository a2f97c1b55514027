"""Tables A1 to A3 of the thesis beside what the configuration says today."""

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from fusionmedclip.config import Config
from fusionmedclip.models.prompts.umls import read_concepts
from fusionmedclip.reporting.setting_text import setting_text
from fusionmedclip.settings import build
from fusionmedclip.training.settings import FusionSettings

__all__ = ["APPENDIX", "appendix_request", "appendix_rows"]

APPENDIX = ("table_a1", "table_a2", "table_a3")
"""Hyperparameters of Stages 2 and 3, of Stage 1, and the UMLS information."""

METHOD = "fusionmedclip"


@cache
def _printed() -> dict:
    """What the thesis prints, where the configuration has it, and why they differ.

    A row has ``path``, entries of the configuration, and one or more of: ``equals`` (their values where they
    are as printed, shown as ``say``), ``default`` (the values that ``note`` explains), ``ours`` (no setting).
    """
    return json.loads(
        (files("fusionmedclip.reporting.thesis") / "data" / "appendix.json").read_text(encoding="utf-8")
    )


def appendix_request(config: Config) -> dict[str, dict]:
    """Title and rows of each table, as plain data."""
    return {
        name: {"title": _printed()[name]["title"], "rows": appendix_rows(config, name)} for name in APPENDIX
    }


def appendix_rows(config: Config, table: str) -> list[dict[str, str]]:
    """Rows of one table: ``key``, ``thesis``, ``ours``, ``note``.

    The note says why ours differs; it is empty exactly where both agree.

    Parameters
    ----------
    config : Config
    table : str
        One of :data:`APPENDIX`.
    """
    settings = _resolved(config)
    rows = [_row(entry, settings) for entry in _printed()[table]["rows"]]
    return rows + _umls_rows() if table == "table_a3" else rows


def _row(entry: Mapping, settings: Mapping) -> dict[str, str]:
    row = {"key": entry["key"], "thesis": entry["thesis"]}
    tier = settings["config"]["tier"]
    values = [_at(settings, path) for path in entry["path"]]
    value = values[0] if len(values) == 1 else values
    if None in values:
        return {**row, "ours": "none", "note": f"Left out by this configuration ({tier} tier)."}
    if "ours" in entry:
        return {**row, "ours": entry["ours"], "note": entry["note"]}
    if "equals" in entry and value == entry["equals"]:
        return {**row, "ours": entry.get("say", entry["thesis"]), "note": ""}
    known = "default" in entry and value == entry["default"]
    note = entry["note"] if known else f"Set by this configuration ({tier} tier)."
    return {**row, "ours": setting_text(value), "note": note}


def _umls_rows() -> list[dict[str, str]]:
    notes = _printed()["table_a3"]["identifiers"]
    rows = []
    for concept in read_concepts():
        printed, meant = concept.cui_printed, concept.cui
        row = {"key": f"identifier, {concept.name}", "thesis": printed, "ours": meant}
        rows.append({**row, "note": notes[concept.name]})
        for kind, texts in (("synonym", concept.synonyms), ("definition", concept.definitions)):
            rows += [
                {"key": f"{kind} {number}, {concept.name}", "thesis": text, "ours": text, "note": ""}
                for number, text in enumerate(texts, start=1)
            ]
    return rows


def _resolved(config: Config) -> dict[str, Any]:
    """Everything that rows point into, defaults filled in: plain data, as JSON has it."""
    method = config.method(METHOD)
    backbone = config.backbone(method["backbone"])
    stage1 = backbone["stage1"]
    found = {
        "config": {key: config.data[key] for key in ("image_size", "tier")},
        "method": {"settings": dataclasses.asdict(build(FusionSettings, method["settings"]))},
        "backbone": {"title": backbone.get("title")},
    }
    if stage1:
        from fusionmedclip.training.pretrain.settings import PretrainSettings

        settings = dataclasses.asdict(build(PretrainSettings, stage1.get("settings")))
        settings["image_size"] = settings["image_size"] or config.data["image_size"]
        found |= {
            "stage1": settings,
            "start": {"title": config.backbone(backbone["base"]).get("title")},
            "captions": {"title": config.captions(stage1["captions"]).get("title")},
        }
    return json.loads(json.dumps(found))


def _at(settings: Any, path: str) -> Any:
    for part in path.split("."):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings
