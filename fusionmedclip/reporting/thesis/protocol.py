"""The thesis's protocol as shipped: what a configuration's cells are compared with."""

from functools import cache
from importlib.resources import as_file, files

from fusionmedclip.config import Config, read_config

__all__ = ["counterpart", "protocol"]

_LISTING = ("folder", "csv")
_LAYOUT = ("kind", "path", "normal", "abnormal", "samples")
"""Of a source: where the images of published lists lie; which of them are abnormal, the lists say."""
_SECTIONS = ("captions", "backbones", "methods")


@cache
def protocol() -> Config:
    """The shipped ``config.yaml``, of which the package holds a copy.

    A copy, because ``config.yaml`` is the file that a user edits: compared with itself it would always be the
    thesis's protocol. A test says when the two differ.
    """
    with as_file(files("fusionmedclip") / "protocol.yaml") as path:
        return Config(read_config(path))


def counterpart(config: Config, dataset: str | None = None) -> Config:
    """The protocol, with the entries that it has none of taken from a configuration.

    What a name of the protocol stands for is the protocol's, also where an entry of the user's own is based
    on it: a variant of ``fusionmedclip`` is compared with that variant of the protocol's ``fusionmedclip``.

    Parameters
    ----------
    config : Config
    dataset : str, optional
        The one data set that may be the configuration's own; others would feed a meta-trained method.
    """
    shipped = protocol().data
    found = {name: {**config.data.get(name, {}), **shipped[name]} for name in _SECTIONS}
    own = config.data["datasets"]
    datasets = {name: _with_lists(entry, own.get(name, {})) for name, entry in shipped["datasets"].items()}
    return Config(
        {**shipped, **found, "datasets": {dataset: own[dataset], **datasets} if dataset else datasets}
    )


def _with_lists(entry: dict, own: dict) -> dict:
    """A data set of the protocol; laid out as the configuration has it where that names a published split.

    MediCLIP's lists find their images under any layout. What else a source says, how images and masks are
    read, is compared as ever; whether the lists are MediCLIP's, and the images the thesis's, is asked of the
    manifest (:mod:`fusionmedclip.reporting.thesis.images`).
    """
    source = own.get("source", {})
    if not source.get("samples") or source["kind"] not in _LISTING:
        return entry
    kept = entry["source"] if source["kind"] == entry["source"]["kind"] else {}
    laid_out = {name: source[name] for name in _LAYOUT if name in source}
    return {**entry, "source": {**{k: v for k, v in kept.items() if k not in _LAYOUT}, **laid_out}}
