"""What of a cell's settings is not the thesis's protocol, setting by setting."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from fusionmedclip.data.reading.settings import ImageSettings
from fusionmedclip.data.sources.defaults import resolved_captions, resolved_source
from fusionmedclip.methods import resolved_settings, resolved_stage1
from fusionmedclip.models.backbones.defaults import resolved_make
from fusionmedclip.provenance import canonical
from fusionmedclip.reporting.thesis.paper import THESIS_COUNTS
from fusionmedclip.settings import OFF, build, plain

__all__ = ["UNCOUNTED", "differences", "leaves", "resolved", "resolved_backbone"]

UNCOUNTED = {
    "examples": "how many maps are kept for figures",
    "threads": "how sums are split over one machine; the processor moves the same digits",
    "source.path": "where files lie; the images there are counted",
    "meta.*.source.path": "where files lie",
    "backbone.captions.path": "where files lie; the pairs there are counted",
    "backbone.captions.workers": "threads that read images",
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


def resolved(settings: Mapping[str, Any], seeds: Sequence[int], *, metric: str = "") -> dict[str, Any]:
    """The settings of a cell's runs: every default filled in, and what computes nothing marked as off.

    Parameters
    ----------
    settings : mapping
        Of one of its runs, from :func:`fusionmedclip.reporting.tables.rows.run_settings`.
    seeds : sequence of int
        Of all of them.
    metric : str
        Of the cell: no lesion mask is behind an image metric.
    """
    method, masks = settings["method"], not metric.startswith("image_")
    found = {name: value for name, value in settings.items() if name != "seed"}
    found["seeds"] = sorted(seeds)
    found["method"] = {**method, "settings": _filled(method["kind"], canonical(method["settings"]))}
    found["backbone"] = resolved_backbone(settings["backbone"])
    found["source"] = resolved_source(settings["source"], masks=masks)
    found["test"] = _tested(settings["dataset"], settings["test"])
    found["images"] = plain(build(ImageSettings, settings["images"]))
    if found["source"].get("samples"):
        found["split_seed"] = OFF  # who is tested was published
    for name, other in settings["meta"].items():
        source = resolved_source(other["source"], masks=False)
        meta = {"source": source, "test": _tested(name, other["test"])}
        found["meta"] = {**found["meta"], name: meta}
    return found


def _tested(dataset: str, test: Mapping[str, Any]) -> dict[str, Any]:
    """Counts of test images; where no abnormal ones are counted, all that the thesis's set has."""
    stated = test.get("abnormal")
    everything = THESIS_COUNTS.get(dataset, ((None, None),))[0][1]
    return {**test, "abnormal": everything if stated is None else stated}


def resolved_backbone(backbone: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A backbone as a run's settings hold it, with every default of it and of its Stage 1 filled in."""
    if backbone is None:
        return None
    found = {**backbone, "make": resolved_make(backbone["make"])}
    if backbone["stage1"]:
        found["stage1"] = resolved_stage1(backbone["stage1"])
        found["captions"] = resolved_captions(backbone["captions"])
        if found["stage1"]["settings"]["image_size"] is None:
            found["stage1"]["settings"]["image_size"] = backbone["make"]["image_size"]
    return found


@cache
def _filled(kind: str, settings: str) -> dict[str, Any]:
    """Asked once a cell of every table, and for few different settings."""
    return resolved_settings(kind, json.loads(settings))


def differences(ours: Mapping[str, Any], protocol: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Settings that differ: dotted key to our value and the protocol's, None where there is none.

    A setting that computes nothing on one side is no difference: what switches it off is one. Where a
    mapping's ``kind`` differs, or one side has no mapping, it is one difference. More seeds than the
    protocol's, its own among them, are none: they estimate the same mean more closely.

    Parameters
    ----------
    ours, protocol : mapping
        From :func:`resolved`.
    """
    found = _differ(ours, protocol, "")
    if set(protocol.get("seeds", ())) <= set(ours.get("seeds", ())):
        found.pop("seeds", None)
    profile = "method.settings.synthesis.profile"
    if profile in found and not any(path.startswith(_PROFILED) for path in found):
        del found[profile]  # a name for values, which are the same
    return {path: values for path, values in found.items() if not _UNCOUNTED.fullmatch(path)}


_PROFILED = tuple(f"method.settings.synthesis.{part}." for part in ("poisson", "density", "guided"))


def _differ(ours: Any, protocol: Any, path: str) -> dict[str, tuple[Any, Any]]:
    if ours is OFF or protocol is OFF:
        return {}
    if not isinstance(ours, Mapping) or not isinstance(protocol, Mapping):
        return {} if ours == protocol else {path: (ours, protocol)}
    if path and ours.get("kind") != protocol.get("kind"):
        return {f"{path}.kind": (ours.get("kind"), protocol.get("kind"))}
    found: dict[str, tuple[Any, Any]] = {}
    for name in dict.fromkeys([*protocol, *ours]):
        below = f"{path}.{name}" if path else name
        found |= _differ(ours.get(name), protocol.get(name), below)
    return found


def leaves(settings: Any, path: str = "") -> dict[str, Any]:
    """Dotted key to value of everything that is no mapping, and of empty mappings."""
    if not isinstance(settings, Mapping) or not settings:
        return {path: settings}
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= leaves(value, f"{path}.{name}" if path else str(name))
    return found
