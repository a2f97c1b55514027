"""``index.html``: every input of a prediction, worst first, in one file beside its pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from fusionmedclip.lab.page_parts import asset, script_data
from fusionmedclip.lab.scored import ScoredInput
from fusionmedclip.lab.summary import flags_text, number_of
from fusionmedclip.lab.writers.entries import Entry, read_entries
from fusionmedclip.lab.writers.map_scale import COLOUR_MAP, MapScale
from fusionmedclip.lab.writers.overlay import SIGNS, flag_text, value_text
from fusionmedclip.lab.writers.writer import Skipped
from fusionmedclip.outputs import whole_file

__all__ = ["INDEX", "PageWriter"]

INDEX = "index.html"


@dataclass(frozen=True)
class PageWriter:
    """Writes ``index.html`` once everything else is there.

    Parameters
    ----------
    scale : MapScale
        Of every map of the prediction.
    rests_on : tuple of str
        What the model rests on, a paragraph each: a stand-in or not, its figures, its support set.
    """

    scale: MapScale
    rests_on: tuple[str, ...] = ()

    def write(self, scored: ScoredInput, folder: Path) -> list[str]:
        """One input alone has no page."""
        return []

    def finish(self, folder: Path, *, skipped: Sequence[Skipped] = ()) -> None:
        """Write the page from the records of the pictures that lie in the folder."""
        entries = read_entries(folder)
        parts = {
            "STYLE": asset("page.css"),
            "SCRIPT": asset("page.js"),
            "COUNTS": _counts(entries, len(skipped)),
            "RESTS_ON": "".join(f"<p>{escape(text)}</p>" for text in self.rests_on),
            "SCALE": _scale_bar(self.scale),
            "CARDS": "\n".join(_card(entry, row) for row, entry in enumerate(entries)),
            "SKIPPED": _skipped(skipped),
            "DATA": script_data([_shown(entry) for entry in entries]),
        }
        text = asset("index.html")
        for name, part in parts.items():
            text = text.replace(f"<!--{name}-->", part)
        with whole_file(folder / INDEX) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _scale_bar(scale: MapScale) -> str:
    """The bar of colours as a list of stops, with its values in words."""
    values = np.linspace(scale.low, scale.high, 17)
    stops = ", ".join(f"rgb({r} {g} {b})" for r, g, b in scale.colours(values[None])[0])
    limit = (
        ""
        if scale.threshold is None
        else f"; a white line surrounds what is above {value_text(scale.threshold)}"
    )
    mark = ""
    if scale.threshold is not None:
        place = 100 * float(scale.positions(np.array(scale.threshold)))
        mark = f'<i style="left: {place:.1f}%" title="threshold {value_text(scale.threshold)}"></i>'
    return (
        f'<figure class="bar"><div style="background: linear-gradient(to right, {stops})">{mark}</div>'
        f"<figcaption><span>{value_text(scale.low)}</span><span>{value_text(scale.high)}</span></figcaption>"
        f"<p>One scale for every map ({COLOUR_MAP}): no colour below {value_text(scale.low)}, full colour at "
        f"{value_text(scale.high)}{limit}. {escape(scale.rests_on)}</p></figure>"
    )


def _counts(entries: Sequence[Entry], skipped: int) -> str:
    parts = [number_of(len(entries), "input")]
    if any(flag is not None for entry in entries for flag in (entry.flag, *(s.flag for s in entry.slices))):
        flagged = sum(entry.flag is True for entry in entries)
        parts.append(flags_text(flagged, sum(entry.stands_out for entry in entries) - flagged))
    if noted := sum(bool(entry.notes) for entry in entries):
        parts.append(f"{noted} with notes")
    if skipped:
        parts.append(f'<a href="#skipped">{skipped} skipped</a>')
    return ", ".join(parts)


def _card(entry: Entry, row: int) -> str:
    state = "yes" if entry.stands_out else "unknown" if entry.flag is None else "no"
    flag = flag_text(entry.flag, entry.flagged_slices)
    slices = f"{entry.flagged_slices} of {len(entry.slices)} slices flagged" if len(entry.slices) > 1 else ""
    share = "" if entry.percentile is None else f"above {entry.percentile:.0f} % of the support"
    details = "".join(f"<span>{escape(text)}</span>" for text in (share, slices) if text)
    worst = entry.slices[entry.worst]
    described = f"{entry.file}, {flag.lstrip(SIGNS)}, score {value_text(entry.score)}; picture with its map"
    if slices:
        described += f", slice {entry.worst + 1} of {len(entry.slices)}"
    return (
        f'<li class="card" data-flag="{state}" data-row="{row}" data-name="{escape(entry.file.lower())}">'
        f'<a href="{quote(worst.overlay)}"><img src="{quote(entry.thumbnail)}" alt="{escape(described)}" '
        f'loading="lazy"></a><div><b>{escape(entry.file)}</b>'
        f'<span class="flag">{flag}</span>'
        f'<span class="score">{value_text(entry.score)}</span>{details}'
        + "".join(f'<span class="note">\u26a0 {escape(note)}</span>' for note in entry.notes)
        + "</div></li>"
    )


def _skipped(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    rows = "".join(f"<tr><td>{escape(s.file)}</td><td>{escape(s.reason)}</td></tr>" for s in skipped)
    title = f"Skipped: {len(skipped)} {'file' if len(skipped) == 1 else 'files'}"
    head = "<thead><tr><th>File</th><th>Why</th></tr></thead>"
    body = f'<div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>'
    return f'<section id="skipped"><h2>{title}</h2>{body}</section>'


def _shown(entry: Entry) -> dict:
    """What the script needs: addresses as they stand in a link, numbers as they are read."""
    slices = [
        {
            "name": part.name,
            "score": value_text(part.score),
            "overlay": quote(part.overlay),
            "picture": quote(part.picture),
        }
        for part in entry.slices
    ]
    return {
        "file": entry.file,
        "score": value_text(entry.score),
        "flag": flag_text(entry.flag, entry.flagged_slices),
        "notes": list(entry.notes),
        "worst": entry.worst,
        "size": [entry.width, entry.height],
        "slices": slices,
    }
