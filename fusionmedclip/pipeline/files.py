"""Reading and writing the small files that pass between stages."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.documents import read_json

__all__ = ["read_json", "write_json", "write_text"]


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(text)
    os.replace(scratch, path)


def write_json(path: str | Path, value: Mapping[str, Any]) -> None:
    """Write sorted, indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")
