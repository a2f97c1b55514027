"""A source or caption set with every default filled in, so that two spellings of one source are equal."""

from collections.abc import Mapping
from typing import Any

from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.sources.keys import string_list
from fusionmedclip.settings import OFF, plain

__all__ = ["resolved_captions", "resolved_source"]

_FOR_ALL = {"slices": "middle", "group_pattern": None, "samples": None}
_OF_KIND: dict[str, dict[str, Any]] = {
    "folder": {"mask_suffix": "_mask", "mask_folder": None, "series": False},
    "csv": {},
    "chexpert": {
        "tables": ["train.csv"],
        "uncertain": "ignore",
        "normal": 500,
        "abnormal": 250,
        "seed": 0,
        "support_devices": True,
    },
}
"""What :mod:`fusionmedclip.data.sources` takes where a key is not given."""

_CAPTIONS = {"max_broken_share": 0.01, "check": "decode", "limit": None, "workers": 4}
"""Of :class:`fusionmedclip.data.sources.captions.CaptionSource`, which needs imaging libraries."""


def resolved_source(source: Mapping[str, Any], *, masks: bool = True) -> dict[str, Any]:
    """A data set's source with its defaults; phantoms have none and stay as they are.

    Parameters
    ----------
    source : mapping
    masks : bool
        Without, :data:`~fusionmedclip.settings.OFF` stands for what finds and reads lesion masks.
    """
    kind = source["kind"]
    if kind == "phantoms":
        return dict(source)
    given = {name: value for name, value in source.items() if value is not None}
    if kind == "folder":
        given = {**given, **{name: string_list(source, name) for name in ("normal", "abnormal")}}
        if "masks" in given:  # another name of the same key
            given.setdefault("mask_folder", given.pop("masks"))
    found = {**_FOR_ALL, **_OF_KIND.get(kind, {}), **given}
    found["read"] = plain(ReadSettings.from_config(source.get("read")))
    if not masks:
        found["read"]["mask"] = OFF
        found |= {name: OFF for name in ("mask_suffix", "mask_folder") if name in found}
    return found


def resolved_captions(captions: Mapping[str, Any]) -> dict[str, Any]:
    """A caption set's source with its defaults; phantoms stay as they are."""
    return dict(captions) if captions["kind"] == "phantoms" else {**_CAPTIONS, **captions}
