"""Which packages a job runs with, as a digest of which a changed version changes.

Jobs run in environments that Snakemake makes of ``envs/*.yaml``, or in the interpreter that Snakemake itself
runs in; there a file's pins say which packages matter, and nothing of their versions.
"""

import platform
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import yaml

from fusionmedclip.provenance import digest

__all__ = ["environment_digest"]

_PIN = re.compile(r"([A-Za-z0-9._-]+)\s*(==?)")
_VERSION = re.compile(r"^Version: *(\S+)", re.MULTILINE)


def environment_digest(file: str | Path, *, is_made: bool) -> str:
    """Digest of an environment: equal where the versions are those of the file, whoever installed them.

    Parameters
    ----------
    file : path
        Of conda; its comments do not count.
    is_made : bool
        Whether jobs run in what is made of it; else in this interpreter.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    # In C where it can be: hashes make these files long, and each job reads one.
    asked = yaml.load(Path(file).read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return digest(asked if is_made else _as_installed(asked))[:16]


def _as_installed(asked: Any) -> Any:
    """An environment file's contents with the versions that are here in place of its pins."""
    if isinstance(asked, dict):
        return {key: _as_installed(value) for key, value in asked.items()}
    if isinstance(asked, list):
        return [_as_installed(item) for item in asked]
    pin = _PIN.match(str(asked))
    if pin is None:
        return asked
    name, sign = pin.groups()
    if name == "python":
        parts = str(asked).rpartition("=")[2].count(".") + 1  # 3.11 leaves the third part open
        return f"{name}{sign}{'.'.join(platform.python_version_tuple()[:parts])}"
    return f"{name}{sign}{_version(name)}"


def _version(package: str) -> str | None:
    """Its public version: a build for other hardware (``+cpu``) is the machine's, and recorded with it."""
    try:
        found = distribution(package)
    except PackageNotFoundError:
        return None
    # Read from its file's head: a hundred files are asked, and importlib parses each to its end.
    head = _VERSION.search((found.read_text("METADATA") or "").partition("\n\n")[0])
    return (head[1] if head else found.metadata["Version"] or "").partition("+")[0] or None
