"""Reading and writing the small files that pass between stages."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.documents import read_json
from fusionmedclip.outputs import whole_file

__all__ = ["read_json", "write_json", "write_text"]


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text)


def write_json(path: str | Path, value: Mapping[str, Any]) -> None:
    """Write sorted, indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")
