"""Each command of the documents does what it says, or its block says why it cannot run just anywhere."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.documents import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = [block for block in blocks(ROOT) if block.commands]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: f"{b.page}:{b.line}")
def test_a_block_with_commands_runs_or_says_where_it_does(block: Block):
    """``sh``: anywhere. Else its title says what it needs."""
    assert block.runs or (".sh" in block.info and 'title="' in block.info), block.body


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """The tracked files as they stand, with the folders that the documents call NORMALS and SCANS."""
    import numpy as np
    from PIL import Image

    from fusionmedclip.data.phantoms import draw_phantom

    folder = tmp_path_factory.mktemp("docs") / "clone"
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for place, count, lesion in (("NORMALS", 6, False), ("SCANS", 3, True)):
        (folder / place).mkdir()
        for index in range(count):
            drawn = draw_phantom("brain_mri", size=96, lesion=lesion, seed=3, index=index).image
            Image.fromarray((drawn * 255).astype(np.uint8)).save(folder / place / f"scan_{index}.png")
    return folder


def _run(command: str, folder: Path, *, plan: bool = False) -> subprocess.CompletedProcess:
    """Run a command as a reader types it; make, and the workflow where ``plan``, say what they would do."""
    program, *arguments = shlex.split(command)
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
    if program == "make":
        arguments.append("--dry-run")
    elif plan:
        arguments = ["--dry-run", "--quiet", "all", *(a for a in arguments if a != "--use-conda")]
    return subprocess.run(
        [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )


def _planned(command: str) -> bool:
    """Whether a command of a titled block can be planned in any clone."""
    words = shlex.split(command)
    return words[0] == "snakemake" and not {"--workflow-profile", "mine.yaml"} & set(words)


@pytest.mark.parametrize("page", sorted({block.page for block in BLOCKS}))
def test_commands_of_a_page_run_in_their_order(page: str, clone: Path):
    """One after the other; what takes hours, a cluster or a network is planned."""
    for block in (block for block in BLOCKS if block.page == page):
        for command in block.commands:
            if block.runs or _planned(command):
                done = _run(command, clone, plan=not block.runs)
                assert done.returncode == 0, f"{page}:{block.line}: {command}\n{done.stdout}\n{done.stderr}"
