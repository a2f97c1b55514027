"""Which version of this code results were made by, where that is not today's."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from fusionmedclip.documents import read_json
from fusionmedclip.errors import InputError
from fusionmedclip.provenance import environment
from fusionmedclip.reporting.verification.run_files import RunFiles

__all__ = ["other_versions"]


def other_versions(results: Path, runs: Iterable[str]) -> Iterator[str]:
    """A line for each other commit, with how to have its rules; none where today's is not known."""
    today = environment()["commit"]
    made = Counter(commit for run in runs if (commit := _commit(results / RunFiles(run).metrics)))
    for commit, count in sorted(made.items()):
        if today and commit != today:
            yield (
                f"the code of then: {count} of {made.total()} runs are of commit {commit[:12]}, and this is "
                f"{today[:12]}, whose rules are applied; `git checkout {commit[:12]}` has those of then"
            )


def _commit(file: Path) -> str | None:
    """As a metrics file has it; a broken one is found elsewhere."""
    try:
        return str(read_json(file)["provenance"]["commit"] or "") or None
    except (InputError, KeyError, TypeError):
        return None
