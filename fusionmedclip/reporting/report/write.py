"""The report: tables, figures, data, controls, choices, settings, machine and times on one page."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd
import yaml
from markdown_it import MarkdownIt

from fusionmedclip.methods import learns_labels
from fusionmedclip.pipeline.files import read_json, write_text
from fusionmedclip.reporting.claims.formats import CLAIMS_STYLE, claims_in_report
from fusionmedclip.reporting.figures.catalogue import caption
from fusionmedclip.reporting.page import Section, details, document, embedded
from fusionmedclip.reporting.report.data import data_section
from fusionmedclip.reporting.report.runs import machine_section, times_section
from fusionmedclip.reporting.report.workflow_graph import draw_workflow
from fusionmedclip.reporting.status import NOT_RUN, OK, STAND_IN
from fusionmedclip.reporting.tables.html import TABLE_STYLE, fragment_of
from fusionmedclip.reporting.verification.text import verification_line

__all__ = ["write_report"]


def write_report(
    *,
    tables: Sequence[str | Path],
    figures: Sequence[str | Path],
    datasheets: Sequence[str | Path],
    curations: Sequence[str | Path],
    metrics: Sequence[str | Path],
    deviations: str | Path,
    titles: Mapping[str, str],
    controls: Sequence[str],
    jobs: Mapping[str, int],
    configuration: Mapping,
    out: str | Path,
    verification: str | Path | None = None,
    claims: Sequence[str | Path] = (),
) -> None:
    """Write the page.

    Parameters
    ----------
    tables : sequence of paths
        ``{table}.html`` each, with its CSV beside it, in the order shown.
    figures : sequence of paths
        PNG, in the order shown.
    datasheets, curations : sequence of paths
        ``datasheet.json`` and ``curation.json`` of each data set.
    metrics : sequence of paths
        Every metrics file behind the tables.
    deviations : path
        ``docs/deviations.md``.
    titles : mapping
        Of data sets, methods and backbones.
    controls : sequence of str
        Methods that are controls; a table made mostly of them stands in a section of its own.
    jobs : mapping
        Stage of the workflow to its count of jobs.
    configuration : mapping
        The configuration as resolved.
    out : path
    verification : path, optional
        ``verification.json`` (:func:`fusionmedclip.reporting.verification.verify.write_verification`).
    claims : sequence of paths
        ``claims.html``, or nothing: the page opens with it.
    """
    frames = {Path(path): pd.read_csv(Path(path).with_suffix(".csv")) for path in tables}
    records = [read_json(path) for path in metrics]
    cells = {path: frame for path, frame in frames.items() if "method" in frame}
    about = [path for path, frame in cells.items() if frame["method"].isin(controls).mean() > 0.5]
    taught = {
        method["name"]
        for method in (record["settings"]["method"] for record in records)
        if learns_labels(method["kind"], method["settings"])
    }
    apart = [path for path, frame in cells.items() if path not in about and set(frame["method"]) & taught]
    results = [path for path in cells if path not in {*about, *apart}]
    settings = [path for path in frames if path not in cells]
    sections = [
        Section("tables", "Tables", "\n".join(map(fragment_of, results))),
        *([Section("labelled", _LABELLED, _APART + "\n".join(map(fragment_of, apart)))] if apart else []),
        Section("figures", "Figures", "\n".join(_figure(Path(path), titles) for path in figures)),
        Section("data", "Data and curation", data_section(datasheets, curations, titles)),
        Section("controls", "Controls", _CONTROLS + "\n".join(map(fragment_of, about))),
        Section("deviations", "What the thesis leaves open", _markdown(Path(deviations))),
        Section(
            "configuration",
            "Configuration",
            _configuration(configuration) + "".join(map(fragment_of, settings)),
        ),
        Section("machine", "Software and hardware", machine_section(records)),
        Section("workflow", "The workflow", _WORKFLOW + draw_workflow(jobs)),
        Section("times", "Run times", times_section(records, titles)),
    ]
    opening = "".join(claims_in_report(Path(path).read_text(encoding="utf-8")) for path in claims)
    opening += _opening(configuration, cells, records)
    opening += "" if verification is None else verification_line(read_json(verification))
    title = f"FusionMedCLIP: {configuration['tier']} tier"
    write_text(out, document(title, opening, sections, style=TABLE_STYLE + CLAIMS_STYLE))


_LABELLED = "Trained on other data with labels"
_APART = (
    "<p>Not comparable with the tables above: a method here was taught by abnormal images of other data sets "
    "and their labels, where those above saw a few normal images alone.</p>"
)
_CONTROLS = (
    "<p>A control scores an image without looking for a lesion: by its brightness, its size, the bytes of "
    "its file, or a network that has learnt nothing before. A method that does not clearly beat every "
    "control has shown nothing about lesions.</p>"
)
_WORKFLOW = (
    "<p>Each box is a rule, each line a file that one makes and the next reads. A job runs again when an "
    "input, a setting or the code that it uses has changed, and not otherwise.</p>"
)


def _opening(configuration: Mapping, frames: Mapping[Path, pd.DataFrame], records: Sequence[Mapping]) -> str:
    cells = pd.concat([frame[["status", "paper_mean"]] for frame in frames.values()], ignore_index=True)
    counts = cells.loc[cells["paper_mean"].notna(), "status"].value_counts()
    seeds = configuration["seeds"]
    compared = (
        f"The thesis prints a figure for {counts.sum()} of {len(cells)} cells: "
        f"{counts.get(OK, 0)} were made here by its protocol, "
        f"{counts.get(STAND_IN, 0)} are stand-ins, {counts.get(NOT_RUN, 0)} were not run."
        if counts.sum()
        else f"The thesis prints no figure for any of these {len(cells)} cells."
    )
    lines = [
        f"<p>{len(records)} runs with seeds {', '.join(map(str, seeds))}, split "
        f"<code>{escape(configuration['split'])}</code>, images of {configuration['image_size']} pixels. "
        f"{compared}</p>"
    ]
    if (cells["status"] == STAND_IN).any():
        lines.append(
            "<p class='banner'>Cells marked * were not made by the thesis's protocol; below each table "
            "stands what differs. They show that the workflow runs; they neither confirm nor refute the "
            "thesis.</p>"
        )
    lines.append(
        "<p class='note'>Where a number comes from: <code>fusionmedclip trace TABLE DATASET METHOD K</code> "
        "walks from a cell to its files, settings and hashes and computes it again.</p>"
    )
    return "\n".join(lines)


def _figure(path: Path, titles: Mapping[str, str]) -> str:
    title, sentence = caption(path.stem, titles)
    return embedded(path, title=title, caption=sentence)


def _markdown(path: Path) -> str:
    """A document of ours, its own heading left out, tables made to scroll."""
    lines = path.read_text().split("\n")
    text = "\n".join(line for line in lines if not line.startswith("# "))
    made = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return made.replace("<table>", "<div class='wide'><table>").replace("</table>", "</table></div>")


def _configuration(configuration: Mapping) -> str:
    text = yaml.safe_dump(dict(configuration), sort_keys=False, allow_unicode=True, width=100)
    return "<p>The configuration as resolved, overlays merged. Paths are as written.</p>" + details(
        "Show it", f"<pre>{escape(text)}</pre>"
    )
