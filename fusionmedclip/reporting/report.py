"""A first report: tables and figures on one page that opens offline."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fusionmedclip.pipeline.files import write_text
from fusionmedclip.reporting.tables import markdown

__all__ = ["write_report"]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem;color:#1a1a1a}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;border-bottom:1px solid #ddd}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
td,th{padding:.35rem .6rem;border-bottom:1px solid #e4e4e4;text-align:left;white-space:nowrap}
th{background:#f6f6f4;position:sticky;top:0}img{max-width:100%;height:auto}
.note{color:#555;font-size:.85rem}.banner{background:#fff4d6;border-left:4px solid #d99a00;padding:.6rem 1rem}
@media print{.scroll{overflow:visible}td,th{white-space:normal}}
"""


def write_report(
    *,
    tables: Sequence[str | Path],
    layouts: Mapping[str, Sequence[str]],
    titles: Mapping[str, str],
    figures: Sequence[str | Path],
    tier: str,
    out: str | Path,
    controls: Sequence[str] = (),
) -> None:
    """Write the page.

    Parameters
    ----------
    tables : sequence of paths
        ``{table}.csv`` each, in the order shown.
    layouts : mapping of table to (title, layout)
    titles : mapping
        Of data sets and methods.
    figures : sequence of Path
    tier : str
    out : path
    controls : sequence of str
        Methods that are controls.
    """
    parts = [f"<h1>FusionMedCLIP: {html.escape(tier)} tier</h1>"]
    frames = {Path(path).stem: pd.read_csv(path) for path in tables}
    if any((frame["status"] == "stand-in").any() for frame in frames.values()):
        parts.append(
            '<p class="banner">Cells marked * come from stand-in data or weights. They show that the '
            "workflow runs; they neither confirm nor refute the thesis.</p>"
        )
    for name, frame in frames.items():
        title, layout = layouts[name]
        parts.append(f"<h2>{html.escape(name)}</h2>")
        text = markdown(frame, title=title, titles=titles, layout=layout, controls=controls)
        parts.append(_html_table(text))
    parts.append("<h2>Figures</h2>")
    parts += [_html_figure(Path(path)) for path in figures]
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><style>{_STYLE}</style>"
    title = f"<title>FusionMedCLIP, {html.escape(tier)}</title>"
    write_text(
        out, f"<!doctype html><html lang='en'><head>{head}{title}</head><body>{''.join(parts)}</body></html>"
    )


def _html_table(text: str) -> str:
    lines = text.replace("\\*", "*").splitlines()
    rows = [_cells(line) for line in lines if line.startswith("|") and "---" not in line]
    head = "".join(f"<th>{html.escape(c)}</th>" for c in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows[1:])
    caption = html.escape(lines[0].replace("**", ""))
    notes = "".join(
        f"<p class='note'>{html.escape(line)}</p>" for line in lines[1:] if line and line[0] != "|"
    )
    return (
        f"<p>{caption}</p><div class='scroll'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>{notes}"
    )


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def _html_figure(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    name = html.escape(path.stem.replace("_", " "))
    image = f"<img alt='{name}' src='data:image/png;base64,{data}'>"
    return f"<figure>{image}<figcaption class='note'>{name}</figcaption></figure>"
