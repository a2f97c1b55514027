"""One page with pictures: what was found in each data set."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image

from fusionmedclip.data.curation.curate import Curation
from fusionmedclip.data.curation.findings import KINDS, Finding
from fusionmedclip.data.curation.statistics import CATEGORIES
from fusionmedclip.data.reading.read import read_with_mask
from fusionmedclip.data.reading.settings import ReadSettings
from fusionmedclip.outputs import whole_file
from fusionmedclip.reporting.page import skeleton

__all__ = ["curation_page"]

_SIDE = 132  # pixels of the longer side of a picture
_IN_GROUP = 12  # pictures shown of one finding
_TEXT_ONLY = ("masks_missing", "loose_slices", "odd_series", "shortcut")

_STYLE = """
:root { --ink: #1d2433; --soft: #5b6478; --line: #d9dee8; --paper: #fff; --card: #f6f8fb; --ill: #b3261e;
  --well: #1f6f43; --bar: #3567b5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #a2abbd; --line: #363d4d;
  --paper: #14171e; --card: #1d222c; --ill: #ff8a80; --well: #7fd6a4; --bar: #7da7ee; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 1080px; padding: 0 1rem; }
a { color: var(--bar); } h1 { font-size: 1.6rem; } h3 { font-size: 1.05rem; margin: 2rem 0 .3rem; }
h2 { font-size: 1.35rem; border-bottom: 1px solid var(--line); margin-top: 3rem; }
.hint, .note { color: var(--soft); margin: 0 0 .4rem; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: bottom; }
.n { text-align: right; } .wide { overflow-x: auto; }
.groups { display: flex; flex-wrap: wrap; gap: .7rem; align-items: flex-start; }
.group { display: flex; flex-wrap: wrap; gap: .4rem; padding: .45rem; max-width: 100%;
  background: var(--card); border: 1px solid var(--line); border-radius: 6px; box-sizing: border-box; }
figure { margin: 0; width: 132px; } figure img { display: block; max-width: 132px; background: #000; }
figcaption { font-size: .72rem; line-height: 1.25; overflow-wrap: anywhere; margin-top: .2rem; }
.ill { color: var(--ill); } .well { color: var(--well); }
.shortcut { display: grid; grid-template-columns: 9.5rem 1fr 8rem; gap: .6rem; align-items: center;
  max-width: 680px; font-size: .85rem; }
.track { background: var(--card); border-left: 1px solid var(--soft); height: .8rem; }
.track div { background: var(--bar); height: 100%; }
@media (max-width: 480px) { body { margin: 1rem auto; }
  .shortcut { grid-template-columns: 9rem 1fr 6.5rem; gap: .4rem; font-size: .8rem; } }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --card: #fff; --ill: #b3261e;
  --well: #1f6f43; --bar: #3567b5; } body { font-size: 11px; margin: 0; max-width: none; padding: 0; }
  .group, figure, tr, .shortcut { break-inside: avoid; } h2, h3, .hint { break-after: avoid; }
  .track div, img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .wide { overflow: visible; } figure, figure img { width: auto; max-width: 92px; } }
"""

_NAMES = {"mean": "mean brightness", "std": "contrast", "max": "brightest pixel", "area": "width x height",
          "aspect": "width / height", "bytes": "bytes of the file", "border_mean": "border brightness",
          "border_dark": "dark border", "mode": "mode of the pixels"}  # fmt: skip
"""Columns of the statistics in words."""


def curation_page(
    curations: Sequence[Curation],
    manifests: Mapping[str, pd.DataFrame],
    roots: Mapping[str, Path],
    target: str | Path,
    *,
    read: Mapping[str, ReadSettings] | None = None,
    leaks: Mapping[str, pd.DataFrame] | None = None,
    most: int = 90,
) -> None:
    """Write one self-contained page: no scripts, no other files, nothing loaded from elsewhere.

    Parameters
    ----------
    curations : sequence of Curation
        One a data set.
    manifests : mapping
        Data set to its manifest.
    roots : mapping
        Data set to the root of its source; pictures are read from there.
    target : Path
        The ``.html`` file, written whole or not at all.
    read : mapping, optional
        Data set to how its files are read.
    leaks : mapping, optional
        Data set to :func:`fusionmedclip.data.curation.leaks.count_leaks` of its support sets.
    most : int
        Findings of one kind that are shown with pictures; the others are counted.

    Raises
    ------
    InputError
        When a picture cannot be read.
    """
    parts = [_overview(curations)]
    for curation in curations:
        name = curation.dataset
        album = _Album(manifests[name].set_index("image_id"), Path(roots[name]), (read or {}).get(name))
        parts.append(_dataset(curation, album, most, (leaks or {}).get(name)))
    page = skeleton("Data curation", "".join(parts), style=_STYLE)
    with whole_file(target) as temporary:
        temporary.write_text(page, encoding="utf-8")


class _Album:
    """Pictures of one data set as HTML figures."""

    def __init__(self, manifest: pd.DataFrame, root: Path, settings: ReadSettings | None):
        self._manifest, self._root, self._settings = manifest, root, settings

    def figure(self, image_id: str) -> str:
        row = self._manifest.loc[image_id]
        masks = [self._root / name for name in row["mask"].split(";") if name]
        image, mask = read_with_mask(self._root / row["file"], masks, settings=self._settings)
        name, title = escape(PurePosixPath(image_id).name), escape(str(row["class"]))
        label = "ill" if row["label"] else "well"
        caption = f"<figcaption>{name}<br><b class='{label}'>{title}</b></figcaption>"
        return f"<figure><img alt='{name}' src='{_encode(image, mask)}'>{caption}</figure>"


def _encode(image: np.ndarray, mask: np.ndarray | None) -> str:
    """A small JPEG as a data address; the outline of the mask in red."""
    scale = _SIDE / max(image.shape)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)
    if mask is not None and mask.any():
        inside = np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)) > 0
        inner = inside.copy()
        for axis in (0, 1):
            for step in (1, -1):
                inner &= np.roll(inside, step, axis)
        colour = np.array(picture.convert("RGB"))
        colour[inside & ~inner] = (255, 70, 60)
        picture = Image.fromarray(colour)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _overview(curations: Sequence[Curation]) -> str:
    rows = []
    for curation in curations:
        twice, leak = curation.summary["duplicates"], curation.summary["leak"].get("16")
        leaked = f"{leak['expected']:.1f} of {leak['held_out']}" if leak else ""
        conflicts = len(curation.of_kind("label_conflict")) + len(curation.of_kind("class_conflict"))
        best = curation.shortcuts[0] if curation.shortcuts else None
        shortcut = f"{_named(best)} {best['auroc']:.3f}" if best else ""
        name = escape(curation.dataset)
        row = [f"<a href='#{name}'>{name}</a>", curation.summary["images"], twice["groups"]]
        row += [twice["redundant"], twice["exact_redundant"], conflicts]
        rows.append([*row, leaked, shortcut])
    head = ["data set", "images", "groups of duplicates", "redundant", "of them exact", "conflicts", "leak",
            "best shortcut"]  # fmt: skip
    return (
        "<h1>Data curation</h1><p class='note'>What is wrong with the images before any model sees them. "
        "<b>Redundant</b>: images that could go without losing a picture. "
        "<b>Conflicts</b>: groups of duplicates in several classes. "
        "<b>Leak</b>: held-out normal images that share a group of duplicates with a random support set of "
        "16 normals, on average. <b>Best shortcut</b>: the image AUROC that one property of the files "
        "reaches by itself, in its better direction.</p>" + _table(head, rows)
    )


def _dataset(curation: Curation, album: _Album, most: int, leaks: pd.DataFrame | None) -> str:
    summary = curation.summary
    parts = [f"<h2 id='{escape(curation.dataset)}'>{escape(curation.dataset)}</h2>"]
    classes = [
        [escape(name), "abnormal" if facts["label"] else "normal", facts["images"]]
        for name, facts in summary["classes"].items()
    ]
    parts.append(_table(["class", "label", "images"], classes))
    for name in ("format", "mode", "suffix"):
        counts = ", ".join(f"{escape(key or 'none')} {count}" for key, count in summary[name].items())
        parts.append(f"<div class='note'>{name}: {counts}</div>")
    sizes = ", ".join(f"{name} {size}" for name, size in summary["sizes"].items())
    parts.append(f"<div class='note'>width x height: {sizes}</div>")
    masks = f"{summary['masks']} images with masks" if summary["masks"] else "no masks"
    parts.append(f"<div class='note'>{masks}</div>")
    if any(leak["expected"] >= 0.05 for leak in summary["leak"].values()):
        rows = [[int(k), round(leak["expected"], 1), leak["held_out"]] for k, leak in summary["leak"].items()]
        parts.append("<h3>Held-out normals with a duplicate in a random support set</h3>")
        parts.append(_table(["k", "expected", "of"], rows))
    if leaks is not None and len(leaks):
        parts.append("<h3>Test images with a duplicate in the support sets of the tables</h3>")
        parts.append(_table(leaks.columns, leaks.to_numpy().tolist()))
    if curation.shortcuts:
        parts.append(_shortcuts(curation))
    for kind, title in KINDS.items():
        findings = curation.of_kind(kind)
        if findings and kind not in _TEXT_ONLY:
            parts.append(_pictures(title, findings, album, most))
        elif findings and kind != "shortcut":
            said = "<br>".join(escape(finding.message) for finding in findings[:most])
            hint = _hint(findings[0].hint)
            parts.append(f"<h3>{escape(title)}</h3><p class='hint'>{hint}</p><p>{said}</p>")
    return "".join(parts)


def _pictures(title: str, findings: Sequence[Finding], album: _Album, most: int) -> str:
    groups = []
    for finding in findings[:most]:
        shown = "".join(album.figure(image_id) for image_id in finding.images[:_IN_GROUP])
        left = len(finding.images) - _IN_GROUP
        more = f"<span class='note'>and {left} more</span>" if left > 0 else ""
        groups.append(f"<div class='group'>{shown}{more}</div>")
    rest = f"<p class='note'>and {len(findings) - most} more</p>" if len(findings) > most else ""
    head = f"<h3>{escape(title)} ({len(findings)})</h3><p class='hint'>{_hint(findings[0].hint)}</p>"
    return f"{head}<div class='groups'>{''.join(groups)}</div>{rest}"


def _shortcuts(curation: Curation) -> str:
    bars = []
    for row in curation.shortcuts:
        if row["auroc"] > 0.5:
            chance = "" if row["p"] < 1e-3 else " (chance?)"
            bars.append(
                f"<div class='shortcut'><span>{_named(row)}</span><div class='track'>"
                f"<div style='width:{200 * (row['auroc'] - 0.5):.1f}%'></div></div>"
                f"<span>{row['auroc']:.3f}{chance}</span></div>"
            )
    hint = (
        "The bars begin at 0.5, a coin, and end at 1. An arrow says whether abnormal images have more "
        "or less of it; (chance?): p of 0.001 or more. A method has to beat them before its score counts."
    )
    return f"<h3>Image AUROC of one property alone</h3><p class='hint'>{hint}</p>{''.join(bars)}"


def _named(row: Mapping) -> str:
    """A property in words and, where it is a number, its direction."""
    arrow = "" if row["property"] in CATEGORIES else ("&nbsp;&uarr;" if row["higher"] else "&nbsp;&darr;")
    return escape(_NAMES.get(row["property"], row["property"])) + arrow


def _hint(text: str) -> str:
    """Words in backticks are set as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _table(head: Iterable[str], rows: Iterable[Iterable]) -> str:
    """Cells are HTML already; numbers and their titles stand on the right."""
    rows = [list(row) for row in rows]

    def cell(value: object) -> str:
        return f"<td class='n'>{value}</td>" if isinstance(value, (int, float)) else f"<td>{value}</td>"

    right = [isinstance(value, (int, float)) for value in rows[0]] if rows else [False] * len(list(head))
    titles = "".join(
        f"<th class='n'>{escape(name)}</th>" if number else f"<th>{escape(name)}</th>"
        for name, number in zip(head, right, strict=True)
    )
    body = "".join(f"<tr>{''.join(cell(value) for value in row)}</tr>" for row in rows)
    return f"<div class='wide'><table><tr>{titles}</tr>{body}</table></div>"
