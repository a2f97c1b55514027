"""One page that opens offline: no scripts, no other files; readable on a phone, in print and in the dark."""

import base64
import struct
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

__all__ = ["Section", "details", "document", "embedded", "skeleton", "table"]

_STYLE = """
:root { --ink: #1d2433; --soft: #5b6478; --line: #d9dee8; --paper: #fff; --card: #f6f8fb; --mark: #3567b5;
  --warn: #fff4d6; --warnline: #d99a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #a2abbd; --line: #363d4d;
  --paper: #14171e; --card: #1d222c; --mark: #7da7ee; --warn: #3a3220; --warnline: #d99a00; }
  figure img { background: #fff; } }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 72rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
a { color: var(--mark); }
h1 { font-size: 1.7rem; margin: .5rem 0; } h3 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: 1rem 0; }
.wide { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums;
  margin: .6rem 0; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { padding: .35rem .65rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
th { background: var(--card); } .n { text-align: right; white-space: nowrap; }
.note, figcaption, .soft { color: var(--soft); font-size: .88rem; }
.banner { background: var(--warn); border-left: 4px solid var(--warnline); padding: .6rem 1rem; }
figure { margin: 1.2rem 0 2rem; } figure img { max-width: 100%; height: auto; display: block; }
.large { display: block; overflow-x: auto; cursor: zoom-in; } .large input { position: absolute; opacity: 0; }
.large input:checked + img { max-width: none; cursor: zoom-out; }
.large input:focus-visible + img { outline: 2px solid var(--mark); }
details { margin: .8rem 0; } summary { cursor: pointer; color: var(--mark); }
pre { background: var(--card); padding: .8rem; overflow-x: auto; font-size: .8rem; line-height: 1.45; }
code { font-size: .92em; } svg { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .count { fill: var(--soft); }
svg rect { fill: var(--card); stroke: var(--soft); } svg path { fill: none; stroke: var(--soft); }
@media (max-width: 640px) { .many::before { content: "Scroll sideways for all columns →"; color: var(--soft);
  font-size: .8rem; position: sticky; left: 0; } }
@media (max-width: 480px) { body { padding: .7rem; font-size: 15px; } h1 { font-size: 1.4rem; } }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --card: #f4f4f4;
  --warn: #fff4d6; } @page { margin: 14mm; }
  body { font-size: 10pt; max-width: none; padding: 0; } nav { display: none; }
  table { font-size: 7pt; } th, td { padding: .2rem .35rem; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; } .wide { overflow: visible; } h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; height: auto; }
  figure, tr { break-inside: avoid; } figure img { max-height: 205mm; width: auto; } }
"""


class Section(NamedTuple):
    """A part of the page.

    Attributes
    ----------
    anchor : str
        Its address in the page.
    title : str
    body : str
        HTML.
    """

    anchor: str
    title: str
    body: str


def document(title: str, opening: str, sections: Sequence[Section], *, style: str = "") -> str:
    """A whole HTML document: heading, opening, a list of its sections, the sections.

    Parameters
    ----------
    title : str
    opening : str
        HTML below the heading.
    sections : sequence of Section
    style : str
        More CSS.
    """
    links = "".join(f"<a href='#{s.anchor}'>{escape(s.title)}</a>" for s in sections)
    body = "".join(f"<h2 id='{s.anchor}'>{escape(s.title)}</h2>\n{s.body}\n" for s in sections)
    heading = f"<h1>{escape(title)}</h1>\n{opening}\n<nav>{links}</nav>\n"
    return skeleton(title, heading + body, style=_STYLE + style)


def skeleton(title: str, body: str, *, style: str) -> str:
    """A self-contained HTML document around a body."""
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'>"
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[int] = ()) -> str:
    """A plain table that scrolls sideways where it is too wide; columns in `numbers` stand to the right."""
    right = set(numbers)

    def line(tag: str, cells: Sequence[object]) -> str:
        classes = ("class='n'" if column in right else "" for column in range(len(cells)))
        inner = (f"<{tag} {c}>{escape(str(v))}</{tag}>" for c, v in zip(classes, cells, strict=True))
        return f"<tr>{''.join(inner)}</tr>"

    body = "\n".join(line("td", row) for row in rows)
    kind = "wide many" if len(head) > 4 else "wide"
    return f"<div class='{kind}'><table><thead>{line('th', head)}</thead><tbody>{body}</tbody></table></div>"


def details(summary: str, body: str) -> str:
    """Something to unfold."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def embedded(path: Path, *, title: str, caption: str) -> str:
    """A PNG, its title and what it shows, its bytes in the page; a press shows it at its full size."""
    picture = path.read_bytes()
    width, height = struct.unpack(">II", picture[16:24])  # IHDR comes first: PNG, third edition, 5.6
    data = base64.b64encode(picture).decode()
    image = (
        f"<label class='large'><input type='checkbox' aria-label='{escape(title, quote=True)}, at full size'>"
        f"<img alt='{escape(title, quote=True)}. {escape(caption, quote=True)}' width='{width}' "
        f"height='{height}' src='data:image/png;base64,{data}' loading='lazy'></label>"
    )
    return f"<figure><h3>{escape(title)}</h3>{image}<figcaption>{escape(caption)}</figcaption></figure>"
