"""Fenced blocks of the documents."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
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
    def commands(self) -> list[str]:
        """Its commands, comments stripped, continued lines joined."""
        text = self.body.replace("\\\n", " ")
        lines = (re.sub(r"\s+#\s.*$", "", line).strip() for line in text.splitlines())
        return [line for line in lines if line.startswith(COMMANDS)]


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
