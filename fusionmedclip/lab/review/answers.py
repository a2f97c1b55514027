"""What a review answers: its page, its pictures by number, and clicks that it saves."""

import json
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason
from fusionmedclip.lab.page_parts import asset
from fusionmedclip.lab.review.decisions import Decisions
from fusionmedclip.lab.writers.entries import read_entries
from fusionmedclip.lab.writers.map_scale import MapScale
from fusionmedclip.lab.writers.overlay import flag_text, value_text

__all__ = ["Answer", "Review"]

_PAGES = {
    "": ("review.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "review.css": ("review.css", "text/css; charset=utf-8"),
    "review.js": ("review.js", "text/javascript; charset=utf-8"),
    "map_layer.js": ("map_layer.js", "text/javascript; charset=utf-8"),
}
_LAYERS = ("picture", "map")
_FACTS = ("name", "file", "percentile", "scale", "notes")


@dataclass(frozen=True)
class Answer:
    """An answer to one request."""

    status: HTTPStatus
    kind: str
    body: bytes

    @classmethod
    def text(cls, words: str, *, status: HTTPStatus = HTTPStatus.OK) -> Self:
        """Plain words."""
        return cls(status, "text/plain; charset=utf-8", words.encode())

    @classmethod
    def json(cls, value: object) -> Self:
        """Data."""
        return cls(HTTPStatus.OK, "application/json", json.dumps(value).encode())


_NOT_THERE = Answer.text("nothing here", status=HTTPStatus.NOT_FOUND)


class Review:
    """A prediction that is looked through.

    Parameters
    ----------
    folder : Path
        That ``predict`` wrote.

    Raises
    ------
    InputError
        See :func:`read_entries` and :class:`Decisions`.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.entries = read_entries(folder)
        self.decisions = Decisions(folder, self.entries)
        self._named = {entry.name: entry for entry in self.entries}

    def get(self, place: str) -> Answer:
        """A page, its data, or ``picture/3/0`` and ``map/3/0``: a layer of a slice of an input.

        Files are named by number, so that no address can lead to another.
        """
        if place in _PAGES:
            name, kind = _PAGES[place]
            return Answer(HTTPStatus.OK, kind, asset(name).encode())
        if place == "data.json":
            return Answer.json(self._data())
        if place == "decisions.json":
            return Answer.json({"decisions": self.decisions.current()})
        layer, *numbers = place.split("/")
        if layer not in _LAYERS or len(numbers) != 2 or not all(n.isascii() and n.isdigit() for n in numbers):
            return _NOT_THERE
        entry, part = (int(number[:9]) for number in numbers)
        if entry >= len(self.entries) or part >= len(self.entries[entry].slices):
            return _NOT_THERE
        name = getattr(self.entries[entry].slices[part], layer)
        try:
            return (
                Answer(HTTPStatus.OK, "image/png", (self.folder / name).read_bytes()) if name else _NOT_THERE
            )
        except OSError:
            return _NOT_THERE

    def post(self, place: str, asked: Any) -> Answer:
        """Save a click (``decide``: ``name``, ``decision``, ``threshold``) or take one back (``undo``).

        ``seen`` and ``who`` may stand beside them; see :meth:`Decisions.decide`.
        """
        asked = asked if isinstance(asked, dict) else {}
        who, seen = str(asked.get("who", "")), asked.get("seen")
        try:
            if place == "undo":
                return Answer.json(
                    {"undone": self.decisions.undo(who), "decisions": self.decisions.current()}
                )
            if place != "decide":
                return _NOT_THERE
            entry = self._named.get(asked.get("name", ""))
            if entry is None:
                raise InputError("no such input")
            threshold = asked.get("threshold")
            if not (threshold is None or (type(threshold) in (int, float) and np.isfinite(threshold))):
                raise InputError("no threshold", received=threshold)
            self.decisions.decide(entry, asked.get("decision"), threshold=threshold, seen=seen, who=who)
        except (InputError, TypeError) as error:
            return Answer.text(str(error), status=HTTPStatus.BAD_REQUEST)
        except OSError as error:
            words = f"{self.decisions.path}: cannot be written ({reason(error)}); the click is not saved"
            return Answer.text(words, status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return Answer.json({"decisions": self.decisions.current()})

    def _data(self) -> dict:
        shown = []
        for entry in self.entries:
            slices = [
                {"name": p.name, "score": value_text(p.score), "map": bool(p.map), "marked": p.marked}
                for p in entry.slices
            ]
            facts = {k: v for k, v in asdict(entry).items() if k in _FACTS}
            shown.append(
                {
                    **facts,
                    "score": value_text(entry.score),
                    "flag": flag_text(entry.flag, entry.flagged_slices),
                    "worst": entry.worst,
                    "slices": slices,
                }
            )
        scale = MapScale(low=0, high=1)
        colours = scale.colours(np.arange(256)[None] / 255)[0].tolist()
        return {
            "inputs": shown,
            "decisions": self.decisions.current(),
            "outdated": self.decisions.outdated(),
            "colours": colours,
        }
