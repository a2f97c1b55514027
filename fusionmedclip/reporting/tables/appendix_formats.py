"""Tables A1 to A3 in four formats."""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from fusionmedclip.pipeline.files import write_text
from fusionmedclip.reporting.tables.html import html_page, wrapped
from fusionmedclip.reporting.tables.inputs import SUFFIX, write_record
from fusionmedclip.reporting.tables.latex import PREAMBLE
from fusionmedclip.reporting.tables.latex_text import escaped

__all__ = ["APPENDIX_COLUMNS", "appendix_html", "build_appendix"]

APPENDIX_COLUMNS = ("key", "thesis", "ours", "note")

_HEAD = ("", "Thesis", "Here", "Why it differs")
_SIGN = "≠"


def build_appendix(*, tables: Mapping[str, Mapping], folder: str | Path) -> None:
    """Write ``{table}.{csv,md,tex,html}`` of each, and ``{table}.inputs.json``, which they were made from.

    Parameters
    ----------
    tables : mapping
        From :func:`fusionmedclip.reporting.tables.appendix.appendix_request`.
    folder : path
    """
    for name, table in tables.items():
        rows, title = table["rows"], table["title"]
        texts = {
            "csv": _csv(rows),
            "md": _markdown(rows, title),
            "tex": _latex(rows, title, name),
            "html": html_page(appendix_html(rows, title=title, name=name), title=title),
        }
        out = {Path(folder, f"{name}.{kind}"): text for kind, text in texts.items()}
        for path, text in out.items():
            write_text(path, text)
        write_record(Path(folder, f"{name}{SUFFIX}"), results=Path(folder).parent, layout=table, outputs=out)


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, APPENDIX_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _markdown(rows: Sequence[Mapping[str, str]], title: str) -> str:
    lines = [f"**{title}**", "", "| " + " | ".join(_HEAD) + " |", "|" + " --- |" * len(_HEAD)]
    for row in rows:
        cells = [
            row["key"],
            row["thesis"],
            f"{_SIGN} {row['ours']}" if row["note"] else row["ours"],
            row["note"],
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _latex(rows: Sequence[Mapping[str, str]], title: str, name: str) -> str:
    lines = [
        PREAMBLE.replace("NAME", name) + r"\begin{table}[htbp]",
        r"\centering\scriptsize",
        rf"\caption{{{escaped(title)}.}}",
        rf"\label{{tab:{name}}}",
        r"\begin{tabular}{*{4}{p{0.22\linewidth}}}",
        r"\toprule",
        " & ".join(map(escaped, _HEAD)) + r" \\",
        r"\midrule",
    ]
    for row in rows:
        ours = (r"$\neq$ " if row["note"] else "") + escaped(row["ours"])
        cells = [escaped(row["key"]), escaped(row["thesis"]), ours, escaped(row["note"])]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def appendix_html(rows: Sequence[Mapping[str, str]], *, title: str, name: str) -> str:
    """One table as a fragment, as :func:`fusionmedclip.reporting.tables.html.grid_html` gives."""
    head = "".join(f"<th scope='col'>{escape(text)}</th>" for text in _HEAD)
    body = "".join(
        f"<tr><th scope='row'>{escape(row['key'])}</th><td>{escape(row['thesis'])}</td>"
        + (f"<td class='above'>{_SIGN} " if row["note"] else "<td>")
        + f"{escape(row['ours'])}</td><td>{escape(row['note'])}</td></tr>\n"
        for row in rows
    )
    differ = sum(bool(row["note"]) for row in rows)
    note = f"<p class='notes'>{_SIGN}: {differ} of {len(rows)} rows differ from what the thesis prints.</p>"
    return wrapped(name, escape(title), f"<tr>{head}</tr>", body, note)
