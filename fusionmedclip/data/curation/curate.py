"""Everything worth knowing of a data set before its numbers are believed."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from fusionmedclip.data.curation.duplicates import DuplicateSettings, find_duplicates, mark_duplicates
from fusionmedclip.data.curation.examine import examine
from fusionmedclip.data.curation.findings import KINDS, Finding, group_findings, image_findings, mask_findings
from fusionmedclip.data.curation.leaks import expected_leak
from fusionmedclip.data.curation.loose_slices import loose_slice_findings
from fusionmedclip.data.curation.odd_series import odd_series_findings
from fusionmedclip.data.curation.shortcuts import measure_shortcuts, shortcut_findings
from fusionmedclip.data.curation.statistics import CATEGORIES
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.documents import read_json
from fusionmedclip.guard import reading
from fusionmedclip.outputs import whole_file

__all__ = ["Curation", "curate", "read_curation", "write_curation"]

SUPPORT_SIZES = (4, 8, 16, 32)


@dataclass(frozen=True, kw_only=True)
class Curation:
    """What was found in one data set; numbers and image_ids only, no pixels.

    Attributes
    ----------
    dataset : str
    summary : dict
        ``images``, ``classes`` (name to label and count), ``sizes`` (smallest, median, largest width x
        height), ``suffix``, ``format`` and ``mode`` (counts), ``masks`` (images that have one), ``lesions``
        (images with a lesion pixel in it), ``groups``, ``duplicates`` (``groups``, ``images``,
        ``redundant``, ``exact_redundant``) and ``leak`` (k to expected number and held-out number).
    findings : tuple of Finding
        The most serious kind first.
    shortcuts : tuple of dict
        Every property with its AUROC, the strongest first.
    """

    dataset: str
    summary: dict
    findings: tuple[Finding, ...]
    shortcuts: tuple[dict, ...]

    def of_kind(self, kind: str) -> list[Finding]:
        """Findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]


def curate(
    manifest: pd.DataFrame,
    root: Path,
    *,
    dataset: str,
    read: ReadSettings | None = None,
    duplicates: DuplicateSettings | None = None,
    threads: int | None = None,
) -> tuple[Curation, pd.DataFrame]:
    """Examine a data set.

    Parameters
    ----------
    manifest : DataFrame
        See :func:`fusionmedclip.data.sources.manifest.build_manifest`.
    root : Path
        The source's root.
    dataset : str
        Identifier.
    read : ReadSettings, optional
    duplicates : DuplicateSettings, optional
    threads : int, optional
        Does not change the result.

    Returns
    -------
    curation : Curation
    manifest : DataFrame
        With the column ``duplicate``, ready for the split ``grouped``.
    """
    seen = examine(manifest, root, settings=read, threads=threads)
    pairs = find_duplicates(manifest, seen.fingerprints, settings=duplicates)
    marked = mark_duplicates(manifest, pairs)
    shortcuts = measure_shortcuts(seen.statistics, marked["label"].to_numpy())
    findings = [
        *group_findings(marked, pairs),
        *mask_findings(marked, seen.statistics),
        *image_findings(marked, seen.statistics),
        *loose_slice_findings(marked, seen.statistics, root),
        *odd_series_findings(marked, seen.statistics, root),
        *shortcut_findings(shortcuts),
    ]
    order = list(KINDS)
    findings.sort(key=lambda finding: order.index(finding.kind))
    summary = _summary(marked, seen.statistics, pairs)
    rows = [
        {**row, "auroc": round(row["auroc"], 6), "p": float(f"{row['p']:.3g}")}
        for row in shortcuts.to_dict("records")
    ]
    return Curation(dataset=dataset, summary=summary, findings=tuple(findings), shortcuts=tuple(rows)), marked


def write_curation(curation: Curation, path: str | os.PathLike) -> None:
    """Write as JSON, whole or not at all."""
    with whole_file(path) as temporary:
        text = json.dumps({"schema_version": 1, **asdict(curation)}, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_curation(path: str | os.PathLike) -> Curation:
    """Read what :func:`write_curation` wrote."""
    with reading(path, "curation", hint="let the workflow make it again"):
        content = read_json(Path(path))
        findings = tuple(Finding(**{**f, "images": tuple(f["images"])}) for f in content["findings"])
        return Curation(
            dataset=content["dataset"],
            summary=content["summary"],
            findings=findings,
            shortcuts=tuple(content["shortcuts"]),
        )


def _summary(manifest: pd.DataFrame, statistics: pd.DataFrame, pairs: pd.DataFrame) -> dict:
    classes = manifest.groupby(["class", "label"]).size()
    duplicated = manifest["duplicate"][manifest["duplicate"] != ""]
    normals = int((manifest["label"] == 0).sum())
    leak = {k: expected_leak(manifest, k) for k in SUPPORT_SIZES if k < normals}
    return {
        "images": len(manifest),
        "classes": {name: {"label": int(label), "images": int(n)} for (name, label), n in classes.items()},
        "sizes": _sizes(statistics),
        **{name: {str(k): int(v) for k, v in statistics[name].value_counts().items()} for name in CATEGORIES},
        "masks": int((manifest["mask"] != "").sum()),
        "lesions": int((statistics["mask_share"] > 0).sum()),
        "groups": int(manifest["group"][manifest["group"] != ""].nunique()),
        "duplicates": {
            "groups": int(duplicated.nunique()),
            "images": len(duplicated),
            "redundant": len(duplicated) - int(duplicated.nunique()),
            "exact_redundant": int((pairs["kind"] == "exact").sum()),
        },
        "leak": {str(k): {"expected": round(n, 3), "held_out": out} for k, (n, out) in leak.items()},
    }


def _sizes(statistics: pd.DataFrame) -> dict[str, str]:
    ordered = statistics.sort_values(["area", "width"], kind="stable")[["width", "height"]].to_numpy()
    places = {"smallest": 0, "median": len(ordered) // 2, "largest": len(ordered) - 1}
    return (
        {name: f"{ordered[at][0]} x {ordered[at][1]}" for name, at in places.items()} if len(ordered) else {}
    )
