"""docs/deviations.md as data: its rows, and in each the lines of configuration that flip the choice."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fusionmedclip.config import Config, merge

OURS = "methods.fusionmedclip.settings"
_SNIPPET = re.compile(r"`([a-z0-9_.]+): (.+?)`(?=[ ,]|$)")


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    number : int
    default, last : str
        Its third and its last column.
    flips : dict
        Whole dotted path of a setting to what it is flipped to, a flip each, by the text of its line.
    """

    number: int
    default: str
    last: str
    flips: dict[str, tuple[str, Any]]


def read_rows(path: Path, config: Config) -> list[Row]:
    """Rows of the document; ``config`` says which keys are of the top."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0].isdigit():
            rows.append(Row(int(cells[0]), cells[2], cells[-1], _flips(cells[-1], config)))
    return rows


def _flips(text: str, config: Config) -> dict[str, tuple[str, Any]]:
    found = {}
    for path, value in _SNIPPET.findall(text):
        whole = path if path.split(".")[0] in config.data else f"{OURS}.{path}"
        found[f"{path}: {value}"] = (whole, yaml.safe_load(value))
    return found


def flipped(config: Config, path: str, value: Any) -> Config:
    """The configuration with one setting changed, checked as the workflow checks it."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return Config.checked(merge(config.data, value))
