"""What of a cell's settings is not the thesis's protocol, setting by setting."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from fusionmedclip.methods import resolved_settings, resolved_stage1
from fusionmedclip.provenance import canonical

__all__ = ["UNCOUNTED", "differences", "leaves", "resolved", "resolved_backbone"]

UNCOUNTED = {
    "examples": "how many maps are kept for figures",
    "threads": "how sums are split over one machine; the processor moves the same digits",
    "source.path": "where files lie; the images there are counted",
    "meta.*.source.path": "where files lie",
    "backbone.captions.path": "where files lie",
    "backbone.name": "a name; what it is made of is compared",
    "backbone.make.image_size": "the working size, compared as image_size",
    "method.support_folds": "fits further models for a threshold; changes no AUROC",
    "method.settings.batch_size": "images scored together",
    "backbone.stage1.processes": "the same sums in another order",
    "backbone.stage1.settings.micro_batch": "the same sums in another order",
    "backbone.stage1.settings.gradient_checkpointing": "computes again what it would have kept",
    "backbone.stage1.settings.checkpoint_steps": "how often it saves",
    "backbone.stage1.settings.label_prompt": "an accuracy in its log",
    "backbone.stage1.settings.workers": "threads that read images ahead",
    "backbone.stage1.settings.prefetch": "batches read ahead",
    "backbone.stage1.settings.cache_gib": "memory for pictures",
}
"""Settings of a run that change no figure that the thesis prints, each with the reason; ``*`` is any name."""

_UNCOUNTED = re.compile("|".join(re.escape(path).replace(r"\*", "[^.]+") for path in UNCOUNTED))


def resolved(settings: Mapping[str, Any], seeds: Sequence[int]) -> dict[str, Any]:
    """The settings of a cell's runs with every default filled in.

    Parameters
    ----------
    settings : mapping
        Of one of its runs, from :func:`fusionmedclip.reporting.tables.rows.run_settings`.
    seeds : sequence of int
        Of all of them.
    """
    method = settings["method"]
    found = {name: value for name, value in settings.items() if name != "seed"}
    found["seeds"] = sorted(seeds)
    found["method"] = {**method, "settings": _filled(method["kind"], canonical(method["settings"]))}
    found["backbone"] = resolved_backbone(settings["backbone"])
    return found


def resolved_backbone(backbone: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A backbone as a run's settings hold it, with every default of its Stage 1 filled in."""
    if backbone is None or not backbone["stage1"]:
        return backbone
    return {**backbone, "stage1": resolved_stage1(backbone["stage1"])}


@cache
def _filled(kind: str, settings: str) -> dict[str, Any]:
    """Asked once a cell of every table, and for few different settings."""
    return resolved_settings(kind, json.loads(settings))


def differences(ours: Mapping[str, Any], protocol: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Settings that differ: dotted key to our value and the protocol's, None where there is none.

    Where a mapping's ``kind`` differs, or one side has no mapping, it is one difference. More seeds than the
    protocol's, its own among them, are none: they estimate the same mean more closely.

    Parameters
    ----------
    ours, protocol : mapping
        From :func:`resolved`.
    """
    found = _differ(ours, protocol, "")
    if set(protocol.get("seeds", ())) <= set(ours.get("seeds", ())):
        found.pop("seeds", None)
    return {path: values for path, values in found.items() if not _UNCOUNTED.fullmatch(path)}


def _differ(ours: Any, protocol: Any, path: str) -> dict[str, tuple[Any, Any]]:
    if not isinstance(ours, Mapping) or not isinstance(protocol, Mapping):
        return {} if ours == protocol else {path: (ours, protocol)}
    if path and ours.get("kind") != protocol.get("kind"):
        return {f"{path}.kind": (ours.get("kind"), protocol.get("kind"))}
    found = {}
    for name in dict.fromkeys([*protocol, *ours]):
        below = f"{path}.{name}" if path else name
        found |= _differ(ours.get(name), protocol.get(name), below)
    return found


def leaves(settings: Any, path: str = "") -> dict[str, Any]:
    """Dotted key to value of everything that is no mapping, and of empty mappings."""
    if not isinstance(settings, Mapping) or not settings:
        return {path: settings}
    found = {}
    for name, value in settings.items():
        found |= leaves(value, f"{path}.{name}" if path else str(name))
    return found
