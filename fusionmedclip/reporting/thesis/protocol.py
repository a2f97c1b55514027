"""The thesis's protocol as shipped: what a configuration's cells are compared with."""

from functools import cache

from fusionmedclip.config import Config, read_config
from fusionmedclip.presets import PROTOCOL

__all__ = ["counterpart", "protocol"]

_SECTIONS = ("captions", "backbones", "methods")


@cache
def protocol() -> Config:
    """The shipped ``config.yaml``, of which the package holds a copy.

    A copy, because ``config.yaml`` is the file that a user edits: compared with itself it would always be the
    thesis's protocol. A test says when the two differ.
    """
    return Config(read_config(PROTOCOL))


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
    """A data set of the protocol; read as the configuration does where that names a published split.

    MediCLIP's lists hold as many images as the thesis's Table 5 has and find them under any layout; which
    images are drawn and tested is then theirs, and their numbers are compared.
    """
    source = own.get("source", {})
    listed = source.get("samples") and source["kind"] != "phantoms"
    return {**entry, "source": source} if listed else entry
