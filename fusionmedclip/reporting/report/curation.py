"""The stage that writes the page of curation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fusionmedclip.data.curation.curate import read_curation
from fusionmedclip.data.curation.leaks import count_leaks
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.sources.manifest import read_manifest, source_root
from fusionmedclip.reporting.report.curation_page import curation_page

__all__ = ["write_curation_page"]


def write_curation_page(
    *,
    sources: Mapping[str, Mapping],
    manifests: Sequence[str | Path],
    curations: Sequence[str | Path],
    duplicates: Sequence[str | Path],
    splits: Mapping[str, Mapping[str, Mapping]],
    out: str | Path,
) -> None:
    """Write the curation page of some data sets, in the order of ``sources``.

    Parameters
    ----------
    sources : mapping
        Data set to its source.
    manifests, curations, duplicates : sequence of paths
        What the workflow wrote for each data set.
    splits : mapping
        Data set to split to ``file`` and ``supports``, a list of (k, seed, file): support sets whose leaks
        are counted.
    out : path
    """
    # Files are matched to data sets by their folder's name: the order of a mapping means nothing.
    tables = {Path(path).parent.name: read_manifest(path) for path in manifests}
    for path in duplicates:
        tables[Path(path).parent.name]["duplicate"] = _read(path)["duplicate"].to_numpy()
    curation_page(
        [read_curation(path) for path in curations],
        tables,
        {name: source_root(source) for name, source in sources.items()},
        out,
        read={name: ReadSettings.from_config(source.get("read")) for name, source in sources.items()},
        leaks={name: _leaks(tables[name], splits.get(name, {})) for name in sources},
    )


def _leaks(manifest: pd.DataFrame, splits: Mapping[str, Mapping]) -> pd.DataFrame:
    supports = {
        (name, k, seed): _read(file) for name, split in splits.items() for k, seed, file in split["supports"]
    }
    return count_leaks(manifest, {name: _read(split["file"]) for name, split in splits.items()}, supports)


def _read(path: str | Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, dtype={"image_id": str})
