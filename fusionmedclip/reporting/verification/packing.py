"""Whether results may be packed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusionmedclip.errors import InputError
from fusionmedclip.reporting.verification.digests import digests_today
from fusionmedclip.reporting.verification.findings import ADDED

__all__ = ["check_verified"]

_SHOWN = 10


def check_verified(results: Path, found: Mapping[str, Any]) -> None:
    """Refuse results that do not hold, or that are no longer those that were verified.

    Parameters
    ----------
    results : Path
        Folder of results, of which every file is looked at that was verified, packed or not.
    found : mapping
        What ``verification.json`` holds.

    Raises
    ------
    InputError
        Naming the files. A file that was added is packed by nobody and stops nothing.
    """
    wrong = [f"{f['file']}: {f['what']}, {f['why']}" for f in found["findings"] if f["what"] != ADDED]
    named = {f["file"] for f in found["findings"]}
    for name, sha in digests_today(results, found["files"]).items():
        if name not in named and sha != found["files"][name]:
            wrong.append(f"{name}: {'altered' if sha else 'deleted'} since it was verified")
    if wrong:
        more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise InputError(
            "these results do not hold, and are not packed\n  " + "\n  ".join(wrong[:_SHOWN] + more),
            hint="fusionmedclip verify RESULTS names all; Snakemake makes again what is deleted first",
        )
