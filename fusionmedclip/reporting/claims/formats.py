"""Claims in four formats."""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

from fusionmedclip.reporting.claims.catalogue import CLAIMS
from fusionmedclip.reporting.claims.comparisons import Cell
from fusionmedclip.reporting.claims.lines import COLUMNS, count_text
from fusionmedclip.reporting.claims.verdicts import (
    CANNOT_TELL,
    CONTRADICTED,
    NOT_TESTABLE,
    OWN_TABLES,
    SUPPORTED,
    VERDICTS,
)
from fusionmedclip.reporting.page import skeleton
from fusionmedclip.reporting.tables.anchors import anchor, trace_command
from fusionmedclip.reporting.tables.latex import PREAMBLE
from fusionmedclip.reporting.tables.latex_text import escaped

__all__ = [
    "CLAIMS_STYLE", "MARKS", "claims_csv", "claims_html", "claims_in_report", "claims_latex",
    "claims_markdown",
]  # fmt: skip

_OPEN, _CLOSE = '<section class="fmc-claims"', "</section>"
TITLE = "Does the thesis hold?"

MARKS = {SUPPORTED: "✓", CONTRADICTED: "✗", OWN_TABLES: "≠", CANNOT_TELL: "?", NOT_TESTABLE: "–"}

CLAIMS_STYLE = """
.fmc-claims{--ink:#1a1d24;--soft:#5a6070;--line:#dde1e8;--yes:#1d7a3d;--no:#b3261e;--open:#6b5b00;
font:15px/1.4 system-ui,sans-serif;color:var(--ink);max-width:46rem;margin:0 0 1.5rem}
@media (prefers-color-scheme:dark){.fmc-claims{--ink:#e7e9ee;--soft:#a4abb9;--line:#383e4a;--yes:#7fd39a;
--no:#ff9d94;--open:#e3cf6b}}
.fmc-claims h2{margin:.5rem 0}
.fmc-claims .verdict{margin:.5rem 0 0}
.fmc-claims .verdict>summary{font-weight:600;font-size:.95rem;color:inherit}
.fmc-claims .claim{margin:0;border-bottom:1px solid var(--line)}
.fmc-claims .claim>summary{color:inherit;padding:.15rem 0 .15rem 1.5rem;text-indent:-1.5rem;list-style:none}
.fmc-claims .claim>summary::-webkit-details-marker{display:none}
.fmc-claims .claim>summary::after{content:" ›";color:var(--soft)}
.fmc-claims .mark{display:inline-block;width:1.5rem;text-indent:0;font-weight:700}
.fmc-claims .yes{color:var(--yes)}.fmc-claims .no{color:var(--no)}.fmc-claims .open{color:var(--open)}
.fmc-claims .more{padding:0 0 .5rem 1.5rem;font-size:.9rem}.fmc-claims .more p{margin:.2rem 0}
.fmc-claims .soft{color:var(--soft)}
.fmc-claims ul{margin:.2rem 0;padding-left:1.1rem;max-height:16rem;overflow-y:auto}
.fmc-claims code{font-size:.8rem;overflow-wrap:anywhere}
@media print{.fmc-claims ul{max-height:none}
details::details-content{content-visibility:visible;height:auto}
.fmc-claims .claim{break-inside:avoid}}
"""
"""Style of the fragment; a page holds it once."""

_TONE = {SUPPORTED: "yes", CONTRADICTED: "no", OWN_TABLES: "no", CANNOT_TELL: "open", NOT_TESTABLE: "soft"}

_TOLD_AT_ONCE = (CONTRADICTED, OWN_TABLES)
"""Verdicts whose reason, our reading in it, stands beside the claim itself."""

Lines = Sequence[Mapping[str, Any]]


def claims_csv(lines: Lines) -> str:
    """Every column; an empty one is not known."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def claims_markdown(lines: Lines) -> str:
    """A table, a line a claim."""
    head = ["", "Claim", "Section", "Verdict", "Because"]
    rows = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for line in lines:
        cells = [MARKS[line["verdict"]], line["short"], line["section"], line["verdict"], line["because"]]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([f"**{TITLE}** {count_text(lines)}", "", *rows]) + "\n"


def claims_latex(lines: Lines) -> str:
    """A table that needs the package booktabs alone."""
    parts = [
        PREAMBLE.replace("NAME", CLAIMS) + r"\begin{table}[htbp]",
        r"\centering\scriptsize",
        rf"\caption{{{escaped(TITLE)} {escaped(count_text(lines))}}}",
        rf"\label{{tab:{CLAIMS}}}",
        r"\begin{tabular}{p{0.27\linewidth}p{0.1\linewidth}p{0.15\linewidth}p{0.38\linewidth}}",
        r"\toprule",
        r"Claim & Section & Verdict & Because \\",
        r"\midrule",
    ]
    for line in lines:
        cells = (line["short"], line["section"], line["verdict"], line["because"].replace("−", "-"))
        parts.append(" & ".join(map(escaped, cells)) + r" \\")
    return "\n".join([*parts, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def claims_html(lines: Lines, *, shown: Collection[Cell] = ()) -> str:
    """A page of its own: claims by verdict, each to unfold to its reason and its cells.

    Parameters
    ----------
    lines : sequence of mappings
    shown : collection of Cell
        Those of the tables beside it, which are linked.
    """
    groups = [(v, [line for line in lines if line["verdict"] == v]) for v in VERDICTS]
    body = "\n".join(_group(verdict, held, shown) for verdict, held in groups if held)
    fragment = f'{_OPEN}><h2 id="{CLAIMS}">{TITLE}</h2><p>{escape(count_text(lines))}</p>\n{body}\n{_CLOSE}'
    return skeleton(TITLE, fragment, style="body{margin:1rem}" + CLAIMS_STYLE)


def claims_in_report(page: str) -> str:
    """The fragment inside such a page, for a page that holds the tables themselves."""
    start, stop = page.index(_OPEN), page.rindex(_CLOSE) + len(_CLOSE)
    return re.sub(r'href="[a-z0-9_]+\.html#', 'href="#', page[start:stop])


def _group(verdict: str, lines: Lines, shown: Collection[Cell]) -> str:
    claims = "\n".join(_claim(line, shown) for line in lines)
    title = f"{verdict[0].upper()}{verdict[1:]} ({len(lines)})"
    unfolded = "" if verdict == NOT_TESTABLE and len(lines) > 3 else " open"
    return f"<details class='verdict'{unfolded}><summary>{title}</summary>{claims}</details>"


def _claim(line: Mapping[str, Any], shown: Collection[Cell]) -> str:
    short, name = escape(line["short"]), f"{CLAIMS}-{line['claim']}"
    told = line["verdict"] in _TOLD_AT_ONCE
    at_once = f": <span class='soft'>{escape(line['because'])}</span>" if told else ""
    mark = f"<span class='mark {_TONE[line['verdict']]}'>{MARKS[line['verdict']]}</span>"
    paragraphs = [f"<p>{escape(line['text'])} <span class='soft'>({escape(line['section'])})</span></p>"]
    if not told:
        paragraphs.append(f"<p>{escape(line['because'])}</p>")
    if line["reading"] and not told:
        paragraphs.append(f"<p class='soft'>How it is read: {escape(line['reading'])}</p>")
    return (
        f"<details class='claim' id='{name}'><summary>{mark}{short}{at_once}</summary>"
        f"<div class='more'>{''.join(paragraphs)}{_cells(line['cells'], shown)}</div></details>"
    )


def _cells(cells: str, shown: Collection[Cell]) -> str:
    """Cells that a claim rests on, each with the command that walks back from it."""
    items = []
    for words in filter(None, cells.split("; ")):
        table, dataset, method, k = words.split(" ")
        cell = Cell(table, dataset, method, int(k))
        name = escape(f"{table}, {dataset}, {method}, k = {k}")
        if cell in shown:
            name = f'<a href="{table}.html#{anchor(*cell)}">{name}</a>'
        items.append(f"<li>{name}: <code>{escape(trace_command(*cell))}</code></li>")
    title = f"The {len(items)} cells that it rests on" if len(items) > 1 else "The cell that it rests on"
    return f"<details><summary>{title}</summary><ul>{''.join(items)}</ul></details>" if items else ""
