"""Commands and files that the documents give: fenced blocks, and code in the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]*)"')
IN_TEXT = re.compile(r"`(snakemake --(?:cores|workflow-profile) [^`]+)`")
COMMANDS = ("make", "snakemake", "fusionmedclip", "python", "pip")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, what follows the fence, its lines."""

    page: str
    line: int
    info: str
    body: str

    @property
    def runs(self) -> bool:
        """Whether it is meant to run anywhere: a plain ``sh`` block."""
        return self.info == "sh"

    @property
    def title(self) -> str:
        """What a reader sees above it; empty without one."""
        found = TITLE.search(self.info)
        return found[1] if found else ""

    @property
    def file(self) -> str:
        """The file that a reader is to write it into: the title of YAML and Python; empty for all else."""
        return self.title if ".sh" not in self.info else ""

    @property
    def commands(self) -> list[str]:
        """Its commands, comments stripped, continued lines joined."""
        if self.file:
            return []
        text = self.body.replace("\\\n", " ")
        lines = (re.sub(r"\s+#\s.*$", "", line).strip() for line in text.splitlines())
        return [line for line in lines if line.partition(" ")[0] in COMMANDS]


def pages(root: Path) -> list[Path]:
    """README and every page of the documentation."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]


def blocks(root: Path) -> Iterator[Block]:
    """Every fenced block, in order."""
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield Block(str(page.relative_to(root)), line, found["info"].strip(), found["body"])


def in_text(root: Path) -> Iterator[tuple[str, str]]:
    """Page and command of the workflow's commands that stand in the text."""
    for page in pages(root):
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for found in IN_TEXT.finditer(text):
            yield str(page.relative_to(root)), found[1]
