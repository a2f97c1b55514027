"""Which backbone a saved model stands on, and where that is now."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.errors import InputError
from fusionmedclip.models.backbones.backbone import Backbone
from fusionmedclip.models.backbones.store import SETTINGS
from fusionmedclip.training.saved_record import OWN_BACKBONE

__all__ = ["backbone_record", "not_its_backbone", "plain_source", "saved_sources"]

Source = Backbone | str | Path | Mapping[str, Any]
_SAY_WHERE = "fusionmedclip predict --backbone PLACE, or FusionMedCLIP.load(folder, backbone=PLACE)"


def plain_source(source: Source) -> str | dict[str, Any] | None:
    """A source as it can be written down: whole paths, whatever the working folder; None for memory."""
    if isinstance(source, Backbone):
        return getattr(source, "source", None)
    if not isinstance(source, Mapping):
        return os.path.abspath(source)
    file = source.get("pretrained")
    local = {"pretrained": os.path.abspath(file)} if file and os.path.exists(file) else {}
    return {**source, **local}


def backbone_record(source: str | Mapping[str, Any] | None, digest: str, folder: Path) -> dict[str, Any]:
    """What a saved model says of its backbone.

    Parameters
    ----------
    source : str, mapping or None
        See :func:`plain_source`.
    digest : str
        See :func:`fusionmedclip.models.backbones.digest.backbone_digest`.
    folder : Path
        Where the model is saved.

    Returns
    -------
    dict
        ``digest``, ``source`` and ``beside``: a folder as seen from the model's, which holds after both have
        moved together, and wherever the model is used from.
    """
    beside = None
    if isinstance(source, str):
        beside = os.path.relpath(os.path.realpath(source), os.path.realpath(folder))
    return {"digest": digest, "source": source, "beside": beside}


def saved_sources(folder: Path, record: Mapping[str, Any], given: Source | None) -> Iterator[Source]:
    """Where the backbone of a saved model may be.

    Parameters
    ----------
    folder : Path
        Of the saved model.
    record : mapping
        Its ``backbone``.
    given : Backbone, path or mapping, optional
        Where it is now: a folder, or weights where the model was fitted over a file of such.

    Raises
    ------
    InputError
        If it was made in memory, and none is given; if the folder's own backbone is gone: an equal one
        elsewhere would hide that the folder is damaged.
    """
    source = record["source"]
    if isinstance(given, Backbone | Mapping):
        yield given
    elif given is not None and isinstance(source, Mapping) and not (Path(given) / SETTINGS).is_file():
        yield {**source, "pretrained": str(given)}
    elif given is not None:
        yield Path(given)
    elif record["beside"] == OWN_BACKBONE:
        own = folder.resolve() / OWN_BACKBONE
        if not (own / SETTINGS).is_file():
            hint = f"copy the model again, or say where its backbone is: {_SAY_WHERE}"
            raise InputError(f"{own}: the backbone of a self-contained model is not there", hint=hint)
        yield own
    elif source is None:
        raise InputError(
            f"{folder}: fitted on a backbone made in memory; the folder holds only what was trained",
            hint=f"say where the backbone is: {_SAY_WHERE}",
        )
    elif isinstance(source, Mapping):
        yield source
    else:
        places = [Path(source), *([folder.resolve() / record["beside"]] if record["beside"] else [])]
        yield from {place.resolve(): None for place in reversed(places) if (place / SETTINGS).is_file()}


def not_its_backbone(folder: Path, record: Mapping[str, Any], others: Mapping[str, Any]) -> InputError:
    """The error where no source gave the backbone of a saved model.

    Parameters
    ----------
    folder, record
        See :func:`saved_sources`.
    others : mapping of str to source
        What was found instead, by digest.
    """
    if not others:
        what = f"{folder}: the backbone of this model is not where it was"
        return InputError(what, received=record["source"], hint=f"say where it is: {_SAY_WHERE}")
    digest, source = next(iter(others.items()))
    place = source if isinstance(source, str) else "the one that it names"
    return InputError(
        f"{folder}: fitted on another backbone than {place}; scores would mean nothing",
        received=f"digest {digest[:16]}",
        allowed=f"digest {record['digest'][:16]}",
        hint=f"fit again on this backbone, or say where its own is: {_SAY_WHERE}",
    )
