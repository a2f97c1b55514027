"""What a data set is, in one small file beside its manifest."""

from collections.abc import Mapping

import pandas as pd

from fusionmedclip.data.acquisition.acquire import Acquired
from fusionmedclip.data.acquisition.settings import AcquireSettings
from fusionmedclip.data.sources.manifest import known_masks

__all__ = ["datasheet"]


def datasheet(
    manifest: pd.DataFrame,
    *,
    dataset: str,
    source: Mapping,
    acquire: AcquireSettings | None = None,
    acquired: Acquired | None = None,
) -> dict:
    """Counts, licence, citation and origin, ready for JSON; no path of this machine.

    Parameters
    ----------
    manifest : DataFrame
    dataset : str
        Identifier.
    source : mapping
        The configuration's entry; its ``path`` is left out.
    acquire : AcquireSettings, optional
        Where the set comes from; without it licence and citation are empty.
    acquired : Acquired, optional
        What was downloaded and how it compares with the shipped list.

    Returns
    -------
    dict
        ``dataset``, ``images``, ``classes``, ``masks_known``, ``source``, ``publisher``, ``homepage``,
        ``licence``, ``citation``, ``sha256`` (of downloads) and ``same_as_public`` (None if not compared).
    """
    classes = manifest.groupby(["class", "label"]).size()
    facts = {key: getattr(acquire, key, "") for key in ("publisher", "homepage", "licence", "citation")}
    verification = None if acquired is None else acquired.verification
    return {
        "dataset": dataset,
        "images": len(manifest),
        "classes": {name: {"label": int(label), "images": int(n)} for (name, label), n in classes.items()},
        "masks_known": int(known_masks(manifest).sum()),
        "source": {key: value for key, value in source.items() if key != "path"},
        **facts,
        "sha256": {} if acquired is None else dict(acquired.sha256),
        "same_as_public": None if verification is None else verification.identical,
    }
