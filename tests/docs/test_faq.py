"""The FAQ's headings are words of our own messages, as they stand in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/faq.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### (.+)$", TEXT.partition("\n## Questions\n")[0], re.MULTILINE)


def _strings(tree: ast.AST) -> Iterator[str]:
    """Every string of a module with ``...`` for what is put in; docstrings are none."""
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    within |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within:
            yield node.value


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the library can say."""
    files = sorted((ROOT / "fusionmedclip").rglob("*.py"))
    return [text for file in files for text in _strings(ast.parse(file.read_text(encoding="utf-8")))]


def test_there_are_messages():
    """Of each at least two words are fixed, so that it is found by them."""
    assert len(MESSAGES) >= 20
    assert [m for m in MESSAGES if len(m.replace("...", " ").split()) < 2] == []


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_faq_is_one_of_the_code(message: str, said: list[str]):
    """Word by word; ``...`` is what a message puts in."""
    words = message.removesuffix(" ...").removesuffix("...")
    assert any(words in text for text in said), f"docs/faq.md: no message says {words!r}"
