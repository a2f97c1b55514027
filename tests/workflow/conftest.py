"""A copy of the workflow in a folder of its own, and a small configuration for it."""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workflow.forks import can_fork, in_fork

PARTS = (
    "Snakefile",
    "workflow",
    "config.yaml",
    "rules",
    "workflow_scripts",
    "fusionmedclip",
    "schemas",
    "envs",
    "profiles",
    "docs",
)
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


class Workflow:
    """Runs Snakemake in a copy of the project."""

    def __init__(self, folder: Path, root: Path):
        self.folder = folder
        for name in PARTS:
            source = root / name
            if source.is_dir():
                # bytecode, too: it belongs to sources of these times; not what another process is writing
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.part", "*.pyc.*"))
            else:
                shutil.copy2(source, folder / name)
        text = (root / "tests/workflow/tiny.yaml").read_text().replace("RESULTS", "results/tiny")
        (folder / "tiny.yaml").write_text(text)

    def run(self, *arguments: str, ok: bool = True, largest: int = resource.RLIM_INFINITY) -> str:
        """Run Snakemake; return all that it printed. No file may grow beyond the largest, in bytes.

        As its users start it, it runs in the tests of kills, places, modules, clusters and bare heads.
        """
        command = [str(SNAKEMAKE), "--cores", "2", "--configfile", "tiny.yaml", *arguments]
        if largest == resource.RLIM_INFINITY and can_fork():
            status, printed = in_fork(command, self.folder)
        else:
            done = subprocess.run(
                command,
                cwd=self.folder,
                capture_output=True,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
            )
            status, printed = done.returncode, done.stdout + done.stderr
        assert (status == 0) is ok, printed[-6000:]
        return printed

    def plan(self, *targets: str, again: str | None = None) -> Counter:
        """Jobs that a dry run would start, by rule; those of one rule even if they are done."""
        printed = self.run("--dry-run", *(["--forcerun", again] if again else []), "--", *targets)
        if "Nothing to be done" in printed:
            return Counter()
        stats = printed.split("Job stats:")[1].split("total")[0]
        return Counter({name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", stats, re.M)})

    def change(self, old: str, new: str, file: str = "tiny.yaml") -> None:
        """Replace some text of a file by other text."""
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace some text of a file, once, for a while."""
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        try:
            yield
        finally:
            path.write_text(text)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever becomes of results and of Snakemake's records, put them back as they were."""
        copy = self.folder / "copy"
        for name in ("results", ".snakemake"):
            shutil.copytree(self.folder / name, copy / name, symlinks=True)
        try:
            yield
        finally:
            for name in ("results", ".snakemake"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
                (copy / name).rename(self.folder / name)


@pytest.fixture(scope="module")
def workflow(tmp_path_factory, root) -> Workflow:
    """A workflow of which nothing has run; tests of one module share it, in order."""
    return Workflow(tmp_path_factory.mktemp("workflow"), root)
