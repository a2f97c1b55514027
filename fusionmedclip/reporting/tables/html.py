"""A table as HTML: a fragment for any page, and a page of its own that opens offline."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.page import skeleton
from fusionmedclip.reporting.status import STAND_IN, WITHOUT_NUMBER
from fusionmedclip.reporting.tables.anchors import anchor, trace_command
from fusionmedclip.reporting.tables.grid import Grid, GridCell

__all__ = ["TABLE_STYLE", "fragment_of", "grid_html", "html_page", "wrapped"]

TABLE_STYLE = """
.fmc-table{--ink:#1a1d24;--soft:#5a6070;--line:#dde1e8;--paper:#fff;--head:#f4f5f7;--within:#dff0e3;
--away:#fbe6cf;font:15px/1.45 system-ui,sans-serif;color:var(--ink);
background:var(--paper);margin:0 0 2rem}
@media (prefers-color-scheme:dark){.fmc-table{--ink:#e7e9ee;--soft:#a4abb9;--line:#383e4a;--paper:#15181e;
--head:#20242c;--within:#1d3b27;--away:#4a3317}}
.fmc-table .scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
.fmc-table table{border-collapse:collapse;font-variant-numeric:tabular-nums;background:var(--paper)}
.fmc-table caption{caption-side:top;text-align:left;font-weight:600;padding:0 0 .5rem}
.fmc-table caption span{position:sticky;left:0;display:inline-block;max-width:calc(100vw - 2rem)}
.fmc-table caption small{font-weight:400;color:var(--soft)}
.fmc-table th,.fmc-table td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top}
.fmc-table thead th{background:var(--head);vertical-align:bottom}
.fmc-table tbody th{font-weight:500;background:var(--paper)}
.fmc-table tbody th:first-child,.fmc-table thead th:first-child{position:sticky;left:0;z-index:1}
.fmc-table .n{white-space:nowrap}
.fmc-table .n span{display:block}
.fmc-table .thesis{font-size:.8rem;color:var(--soft)}
.fmc-table .within{background:var(--within)}
.fmc-table .above,.fmc-table .below{background:var(--away)}
.fmc-table td:target{outline:3px solid #3567b5;outline-offset:-3px}
.fmc-table .not-run{color:var(--soft)}
.fmc-table u{text-underline-offset:.2em}
.fmc-table sup{line-height:0}
.fmc-table .notes,.fmc-table ul{font-size:.85rem;color:var(--soft);max-width:70rem;margin:.5rem 0}
.fmc-table ul{padding-left:1.2rem}
.fmc-table .key{display:inline-block;padding:0 .35em;color:var(--ink)}
.fmc-table .hint{display:none;font-size:.8rem;color:var(--soft);margin:0 0 .2rem}
.fmc-table summary{cursor:pointer;font-size:.85rem;color:var(--soft);margin:.5rem 0}
@media (max-width:640px){.fmc-table{font-size:14px}.fmc-table .hint{display:block}
.fmc-table th,.fmc-table td{padding:.3rem .4rem}
.fmc-table tr:has(.label + .label) .label:first-child{box-sizing:border-box;min-width:6.4rem;max-width:6.4rem}
.fmc-table .label + .label{position:sticky;left:6.4rem;z-index:1}}
@media print{.fmc-table{--ink:#000;--soft:#333;--line:#bbb;--paper:#fff;--head:#eee;--within:#dff0e3;
--away:#fbe6cf;font-size:8pt}.fmc-table .scroll{overflow:visible;break-inside:avoid}
.fmc-table th,.fmc-table td{padding:2pt 3pt;
-webkit-print-color-adjust:exact;print-color-adjust:exact}.fmc-table .n{white-space:normal}
.fmc-table tbody th:first-child,.fmc-table thead th:first-child,.fmc-table .label + .label{position:static}
.fmc-table .hint{display:none!important}
details::details-content{content-visibility:visible;height:auto}
.fmc-table tr{break-inside:avoid}.fmc-table .thesis{font-size:7pt}}
"""
"""Style of every fragment; a page holds it once. Everything is below ``.fmc-table``."""

_OPEN, _CLOSE = '<section class="fmc-table"', "</section>"
_SIGN = {"within": "≈", "above": "▲", "below": "▼"}
_SAID = {"within": "cannot be told from", "above": "is above", "below": "is below"}


def fragment_of(page: str | Path) -> str:
    """The fragment inside a page that :func:`html_page` wrote, to be put into another page.

    Raises
    ------
    InputError
        If the file holds none.
    """
    text = Path(page).read_text(encoding="utf-8")
    start, stop = text.find(_OPEN), text.rfind(_CLOSE)
    if start < 0 or stop < start:
        raise InputError("no table in this page", received=str(page), hint="snakemake --cores 1 all_tables")
    return text[start : stop + len(_CLOSE)]


def html_page(fragment: str, *, title: str) -> str:
    """A self-contained page around a fragment."""
    return skeleton(title, fragment, style="body{margin:1rem}" + TABLE_STYLE)


def grid_page(grid: Grid) -> str:
    """A page of its own for a table that is laid out already."""
    return html_page(grid_html(grid), title=grid.title)


def grid_html(grid: Grid) -> str:
    """The fragment of a table that is laid out already."""
    labels = "".join(f"<th scope='col' class='label'>{escape(head)}</th>" for head in grid.labels)
    heads = "".join(f"<th scope='col'>{escape(head)}</th>" for head in grid.heads)
    body = "".join(
        "<tr>"
        + "".join(f"<th scope='row' class='label'>{escape(label)}</th>" for label in names)
        + "".join(map(_cell, cells))
        + "</tr>\n"
        for names, cells in grid.lines
    )
    caption = f"{escape(grid.title)} <small>({escape(grid.metric)}, percent)</small>"
    return wrapped(grid.name, caption, f"<tr>{labels}{heads}</tr>", body, _beneath(grid))


def wrapped(name: str, caption: str, head: str, body: str, beneath: str) -> str:
    """A section around a table that scrolls by itself; all arguments but the name are HTML."""
    hint = "<p class='hint'>Scroll the table sideways for all columns →</p>" if head.count("<th") > 4 else ""
    return (
        f'{_OPEN} id="{escape(name)}">'
        f"{hint}"
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(name)}'><table>"
        f"<caption><span>{caption}</span></caption><thead>{head}</thead>\n<tbody>{body}</tbody></table></div>\n"
        f"{beneath}{_CLOSE}"
    )


def _cell(cell: GridCell) -> str:
    flags = "".join(f"<sup>†{number}</sup>" for number in cell.flags)
    figure = f"{cell.thesis} ± {cell.thesis_std}" if cell.thesis_std else cell.thesis
    if cell.status in WITHOUT_NUMBER:
        thesis = f"<span class='thesis'>thesis {figure}</span>" if figure else ""
        return f"<td class='n not-run'{_placed(cell)}><span>{cell.status}{flags}</span>{thesis}</td>"
    ours = f"{cell.mean} ± {cell.std}" if cell.std else cell.mean
    ours = {0: ours, 1: f"<b>{ours}</b>", 2: f"<u>{ours}</u>"}[cell.place]
    star = "*" if cell.status == STAND_IN else ""
    sign = _SIGN.get(cell.verdict, "")
    said = f"{_SAID.get(cell.verdict)} the thesis's mean: the difference is {cell.interval} points"
    mark = f' <i title="{said}" aria-label="{said}" style=\'font-style:normal\'>{sign}</i>' if sign else ""
    lines = (f"thesis {figure}", f"{cell.difference}{mark}") if figure else ()
    thesis = " ".join(f"<span class='thesis'>{line}</span>" for line in lines)
    kind = f"n {cell.verdict}".strip()
    return f"<td class='{kind}'{_placed(cell)}><span>{ours}{star}{flags}</span>{thesis}</td>"


def _placed(cell: GridCell) -> str:
    """Its address in the page, and the command that walks back from it."""
    if cell.address is None:
        return ""
    return f" id='{escape(anchor(*cell.address))}' title='{escape(trace_command(*cell.address))}'"


def _beneath(grid: Grid) -> str:
    """How to read the marks; all else to unfold."""
    shown = [escape(note) for note in grid.notes if note.startswith("* ")]
    more = [escape(note) for note in grid.notes if not note.startswith("* ")]
    if grid.ranked:
        shown.insert(0, "Best of a data set and k in <b>bold</b>, second <u>underlined</u>.")
    if grid.judged:
        shown.append(
            "<span class='key within'>≈</span> our mean cannot be told from the thesis's, since the 95 % "
            "interval of the difference holds zero; <span class='key above'>▲</span> ours is above, "
            "<span class='key below'>▼</span> below. Stand-ins have no colour."
        )
    elif any(cell.thesis for _, line in grid.lines for cell in line):
        shown.append("No cell is coloured: none here may be held against the thesis's figure.")
    shown = [*map(escape, grid.apart), *shown]
    flags = [f"<li><sup>†{number}</sup> {escape(note)}</li>" for number, note in enumerate(grid.flags, 1)]
    folded = [
        *(f"<p class='notes'>{note}</p>" for note in more),
        _list("What the thesis prints", flags),
        *(_list(escape(title), [f"<li>{escape(s)}</li>" for s in said]) for title, said in grid.beneath),
    ]
    return (
        "".join(f"<p class='notes'>{note}</p>" for note in shown)
        + f"<details><summary>Notes: {_summary(grid)}</summary>{''.join(folded)}</details>\n"
    )


def _summary(grid: Grid) -> str:
    titles = [title for title, _ in grid.beneath]
    said = ["how to read it", *(["what the thesis prints"] if grid.flags else []), *titles]
    return escape("; ".join(f"{title[0].lower()}{title[1:]}".rstrip("?") for title in said))


def _list(title: str, items: Sequence[str]) -> str:
    return f"<p class='notes'><b>{title}</b></p><ul>{''.join(items)}</ul>" if items else ""
