"""What was understood of a user's data, and everything that is wrong with it, in one report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fusionmedclip.data.curation.curate import Curation, curate
from fusionmedclip.data.curation.findings import KINDS
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.data.sources.manifest import COLUMNS, inspect_listing, source_root
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.errors import InputError, as_utf8, visible

__all__ = ["CheckReport", "check_dataset"]

_SHOWN = 8  # images or files named under a heading of the text


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Result of :func:`check_dataset`.

    Attributes
    ----------
    dataset : str
    root : Path
    problems : tuple of str
        What stops the data from being used, each naming its file, with a hint.
    ignored : tuple of str
        Files that are neither image nor mask.
    curation : Curation or None
        What was found in the files that can be read; None where there are none.
    """

    dataset: str
    root: Path
    problems: tuple[str, ...]
    ignored: tuple[str, ...]
    curation: Curation | None

    @property
    def usable(self) -> bool:
        """Whether a manifest can be built."""
        return not self.problems and self.curation is not None

    def text(self) -> str:
        """The report as plain text, for a terminal."""
        lines = [f"Data set {self.dataset!r} in {self.root}"]
        if self.curation is not None:
            lines += _understood(self.curation.summary)
        if self.ignored:
            lines.append(f"  ignored:     {len(self.ignored)} other files ({_some(self.ignored)})")
        lines = list(map(visible, lines))
        if self.problems:
            lines += ["", f"{len(self.problems)} to mend before it can be used:"]
            lines += ["  - " + problem.replace("\n", "\n  ") for problem in self.problems]
        if self.curation is not None:
            lines += map(visible, _found(self.curation))
        verdict = "The data set can be used." if self.usable else "The data set cannot be used yet."
        return as_utf8("\n".join([*lines, "", verdict]))  # of a root whose name is not UTF-8


def check_dataset(source: Mapping, *, dataset: str = "dataset", threads: int | None = None) -> CheckReport:
    """Read all of a source and report, without stopping at the first problem and without writing anything.

    Parameters
    ----------
    source : mapping
        See :func:`fusionmedclip.data.sources.registry.list_source`.
    dataset : str
        Identifier for the report.
    threads : int, optional
        Does not change the result.
    """
    try:
        listing = list_source(source)
        settings = ReadSettings.from_config(source.get("read"))
        root = source_root(source)
    except InputError as error:
        root = Path(str(source.get("path", "")))
        return CheckReport(dataset=dataset, root=root, problems=(str(error),), ignored=(), curation=None)
    rows, found = inspect_listing(listing, settings=settings, threads=threads)
    manifest = pd.DataFrame(rows, columns=list(COLUMNS))
    curation = None
    if len(manifest):
        curation, _ = curate(manifest, root, dataset=dataset, read=settings, threads=threads)
    return CheckReport(
        dataset=dataset,
        root=root,
        problems=tuple(found.messages),
        ignored=tuple(listing.ignored),
        curation=curation,
    )


def _understood(summary: Mapping) -> list[str]:
    lines = [f"  images:      {summary['images']}"]
    for name, facts in summary["classes"].items():
        lines.append(f"    {facts['images']:>6} {name} ({'abnormal' if facts['label'] else 'normal'})")
    sizes = summary["sizes"]
    alike = sizes["smallest"] == sizes["largest"]
    span = "all " if alike else f"{sizes['smallest']} to {sizes['largest']}, median "
    lines.append(f"  sizes:       {span}{sizes['median']}")
    for name in ("format", "mode", "suffix"):
        counts = ", ".join(f"{value or 'none'} {count}" for value, count in summary[name].items())
        lines.append(f"  {name + ':':<12} {counts}")
    masks = f"{summary['masks']} images with masks" if summary["masks"] else "none: no pixel metrics"
    if summary["masks"] and not summary["lesions"]:
        masks += ", none with a lesion pixel: no pixel metrics"
    lines.append(f"  masks:       {masks}")
    if summary["groups"]:
        lines.append(f"  groups:      {summary['groups']} (patients or volumes)")
    twice = summary["duplicates"]
    lines.append(
        f"  duplicates:  {twice['groups']} groups, {twice['redundant']} redundant images "
        f"({twice['exact_redundant']} exact copies)"
    )
    for k, leak in summary["leak"].items():
        if leak["expected"] >= 0.5:
            lines.append(
                f"    of {leak['held_out']} held-out normals about {leak['expected']:.0f} have a duplicate "
                f"in a random support set of {k}"
            )
    return lines


def _found(curation: Curation) -> list[str]:
    lines = []
    for kind, title in KINDS.items():
        findings = curation.of_kind(kind)
        if not findings:
            continue
        lines += ["", f"{title} ({len(findings)})"]
        lines += [f"  - {finding.message}" for finding in findings[:_SHOWN]]
        if len(findings) > _SHOWN:
            lines.append(f"  ... and {len(findings) - _SHOWN} more")
        lines.append(f"  Hint: {findings[0].hint}")
    return lines


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
