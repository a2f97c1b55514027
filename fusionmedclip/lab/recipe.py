"""What a model is made from: one method of a configuration, and the backbone that it stands on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fusionmedclip.config import Config
from fusionmedclip.data.reading.settings import ImageSettings
from fusionmedclip.errors import InputError
from fusionmedclip.methods import learns_from_others, learns_labels, reads_files, resolved_settings
from fusionmedclip.reporting.tables.rows import is_stand_in_backbone
from fusionmedclip.reporting.thesis.protocol import counterpart, protocol
from fusionmedclip.settings import build

__all__ = ["Recipe", "recipe_of"]

Source = str | Path | Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, repr=False)
class Recipe:
    """Everything that decides a fitted model besides its images and its seed.

    Attributes
    ----------
    method, kind, title : str
        Name in the configuration, kind of the registry, title in tables.
    settings : dict
        Of the method.
    backbone : path, mapping or None
        Where the frozen weights come from.
    image_size : int
        Side of the working form, pixels.
    images : ImageSettings
    threads : int
        Compute threads of torch: sums depend on them.
    device : {"auto", "cpu", "cuda"}
        A model that computes has one of the last two.
    half : bool
        Weights, frozen and learnt, are rounded to half precision and kept so.
    rests_on : str
        What the scores can be worth at best, in one line.
    stand_in : bool
        Whether the backbone is in place of another one.
    """

    method: str
    kind: str
    title: str
    settings: dict[str, Any]
    backbone: Source | None
    image_size: int
    images: ImageSettings
    threads: int
    device: str
    half: bool
    rests_on: str
    stand_in: bool

    def __repr__(self) -> str:
        return f"<recipe of {self.title}, resting on {self.rests_on}>"


def recipe_of(config: Config, method: str, *, device: str | None = None, half: bool = False) -> Recipe:
    """The recipe of one method of a configuration.

    Raises
    ------
    InputError
        If there is no such method, it scores no images or learns from labels, or its backbone's Stage 1 has
        not run.
    """
    entry = config.method(method)
    if reads_files(entry["kind"]):
        raise InputError(
            f"method {method} scores properties of files in a data set, no images",
            received=entry["kind"],
            hint="the workflow runs it as a control",
        )
    if learns_labels(entry["kind"], entry["settings"]):
        raise InputError(
            f"method {method} learns from labelled images of other data sets, not from the ones given",
            received=entry["kind"],
            hint="the workflow runs it, on the data sets of a configuration",
        )
    entry = _alone(entry)
    text, stand_in = _rests_on(config, entry)
    return Recipe(
        method=method,
        kind=entry["kind"],
        title=entry["title"],
        settings=entry["settings"],
        backbone=None if entry["backbone"] is None else config.backbone_source(entry["backbone"]),
        image_size=config.data["image_size"],
        images=build(ImageSettings, config.data["images"], where="images"),
        threads=config.data["threads"],
        device=device or config.data["device"],
        half=half,
        rests_on=text,
        stand_in=stand_in,
    )


def _alone(entry: dict[str, Any]) -> dict[str, Any]:
    """A method's entry without other data sets: what it would learn from those it learns from its support."""
    if not learns_from_others(entry["kind"], entry["settings"]):
        return entry
    return {**entry, "settings": {**entry["settings"], "meta_source": "support"}}


def _rests_on(config: Config, entry: Mapping[str, Any]) -> tuple[str, bool]:
    name = entry["backbone"]
    if name is None:
        return f"no backbone: its support set alone{_other_settings(entry)}", False
    title = config.backbone(name).get("title", name)
    if not is_stand_in_backbone(config, name) and _thesis_backbone(entry["name"], name):
        return f"{title}{_other_settings(entry)}", False
    there = counterpart(config)
    shipped = there.method(entry["name"])["backbone"] or name
    meant = there.backbone(shipped).get("title", shipped)
    return f"a stand-in: {title}, in place of {meant}{_other_settings(entry)}", True


def _thesis_backbone(method: str, backbone: str) -> bool:
    """Whether the protocol's method of this name, if it has one, stands on the backbone of this name."""
    there = protocol()
    return method not in there.data["methods"] or there.method(method)["backbone"] == backbone


def _other_settings(entry: Mapping[str, Any]) -> str:
    there = protocol()
    if entry["name"] not in there.data["methods"]:
        return ""
    shipped = there.method(entry["name"])
    ours, protocols = (resolved_settings(e["kind"], e["settings"]) for e in (entry, shipped))
    return "" if ours == protocols else "; settings other than the protocol's"
