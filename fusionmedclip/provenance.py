"""Where a number comes from: settings and their digest, inputs, commit, packages, machine."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fusionmedclip.machine import device_name, machine_facts

__all__ = [
    "canonical",
    "commit_date",
    "digest",
    "environment",
    "file_sha256",
    "inputs_record",
    "package_digest",
]

PACKAGE = Path(__file__).resolve().parent
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "open_clip_torch",
    "timm",
    "peft",
    "opencv-python-headless",
)


def canonical(value: Any) -> str:
    """JSON with sorted keys: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 of a JSON-able value, hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def package_digest() -> str:
    """SHA-256 of every module of the package and of the data among them, whatever commit they are of."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return digest({str(path.relative_to(PACKAGE)): file_sha256(path) for path in files})


def environment(*, device: str = "cpu") -> dict:
    """Commit, packages and machine, as a metrics file records them.

    Returns
    -------
    dict
        ``commit`` and ``dirty`` (None outside a checkout), ``packages``, ``python``, ``device``, and
        ``machine`` (:func:`fusionmedclip.machine.machine_facts`).
    """
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": _dirty(),
        "packages": {name: v for name in PACKAGES if (v := _version(name))},
        "python": platform.python_version(),
        "device": device_name(device),
        "machine": machine_facts(device=device),
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def commit_date() -> str | None:
    """When the checked-out commit was made, ISO 8601; None outside a checkout."""
    return _git("show", "-s", "--format=%cI", "HEAD")


def _dirty() -> bool | None:
    status = _git("status", "--porcelain", "--untracked-files=no")
    return None if status is None else bool(status)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def inputs_record(paths: Mapping[str, str | Path] | Sequence[str | Path]) -> dict[str, str]:
    """SHA-256 of files by path."""
    items = paths.values() if isinstance(paths, Mapping) else paths
    return {str(path): file_sha256(path) for path in items}
