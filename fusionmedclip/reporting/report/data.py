"""The report's section on data: what each set holds, where it comes from, what is wrong with it."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from fusionmedclip.data.curation.findings import KINDS
from fusionmedclip.pipeline.files import read_json
from fusionmedclip.reporting.page import table

__all__ = ["data_section"]

_STRONG = 0.65  # AUROC from which a property of the file or of all pixels is worth a warning


def data_section(
    datasheets: Sequence[str | Path], curations: Sequence[str | Path], titles: Mapping[str, str]
) -> str:
    """Counts, licence, findings and shortcuts of each data set, as HTML.

    Parameters
    ----------
    datasheets, curations : sequence of paths
        ``datasheet.json`` and ``curation.json``, one of each a data set.
    titles : mapping
        Of data sets.
    """
    sheets = {sheet["dataset"]: sheet for sheet in map(read_json, datasheets)}
    curated = [read_json(path) for path in curations]
    rows = [_row(found, sheets.get(found["dataset"], {}), titles) for found in curated]
    head = ["Data set", "Images", "Normal", "Abnormal", "With mask", "Sizes", "Redundant copies", "Licence"]
    parts = [table(head, rows, numbers=(1, 2, 3, 4, 6))]
    for found in curated:
        parts.append(f"<h3>{escape(titles.get(found['dataset'], found['dataset']))}</h3>")
        citation = sheets.get(found["dataset"], {}).get("citation")
        if citation:
            parts.append(f"<p class='note'>{escape(citation)}</p>")
        parts += [_findings(found), _shortcuts(found)]
    parts.append(
        "<p class='note'>With pictures of every finding: <a href='figures/curation.html'>"
        "figures/curation.html</a>, beside this page.</p>"
    )
    return "\n".join(parts)


def _row(found: Mapping, sheet: Mapping, titles: Mapping[str, str]) -> list[object]:
    summary = found["summary"]
    counts = {
        label: sum(c["images"] for c in summary["classes"].values() if c["label"] == label)
        for label in (0, 1)
    }
    sizes = summary["sizes"]
    same = sizes["smallest"] == sizes["largest"]
    return [
        titles.get(found["dataset"], found["dataset"]),
        summary["images"],
        counts[0],
        counts[1],
        summary["masks"],
        sizes["median"] if same else f"{sizes['smallest']} to {sizes['largest']}",
        summary["duplicates"]["redundant"],
        sheet.get("licence") or "not stated",
    ]


def _findings(found: Mapping) -> str:
    counts: dict[str, int] = {}
    for finding in found["findings"]:
        counts[finding["kind"]] = counts.get(finding["kind"], 0) + 1
    if not counts:
        return "<p>Nothing was found: no duplicates, conflicts or broken masks.</p>"
    items = (f"<li>{escape(KINDS[kind])}: {counts[kind]}</li>" for kind in KINDS if kind in counts)
    return f"<ul>{''.join(items)}</ul>"


def _shortcuts(found: Mapping) -> str:
    strength = {s["property"].replace("_", " "): max(s["auroc"], 1 - s["auroc"]) for s in found["shortcuts"]}
    strong = sorted(
        (name for name, value in strength.items() if value >= _STRONG), key=lambda n: -strength[n]
    )
    if not strong:
        return f"<p>No property of the files or of whole images separates the classes beyond {_STRONG}.</p>"
    words = ", ".join(f"{escape(name)} {strength[name]:.3f}" for name in strong)
    return (
        "<p>Shortcuts. With the direction known, each of these alone separates the classes with an AUROC of "
        f"{_STRONG} or more: {words}.</p>"
    )
