"""Files and names of the project that the documents mention are there."""

import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.documents import FENCE, blocks, pages

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = "fusionmedclip|tests|benchmarks|configs|schemas|rules|profiles|docs|workflow_scripts|envs"
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(rf"(?:{FOLDERS})/[\w./-]*")
NAME = re.compile(r"fusionmedclip(?:\.\w+)+")
IMPORT = re.compile(r"^from (fusionmedclip[\w.]*) import ([\w, ]+)", re.MULTILINE)
PLACE = re.compile(r"\b[A-Z]+\b")  # NAME, METHOD: for the reader to fill in


def _mentioned(pattern: re.Pattern) -> Iterator[tuple[str, str]]:
    """Page and words of the code in the text that are such a name and nothing else."""
    for page in [*pages(ROOT), ROOT / "CHANGELOG.md"]:
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for found in CODE.finditer(text):
            if pattern.fullmatch(found[1]) and not PLACE.search(found[1]):
                yield page.relative_to(ROOT).as_posix(), found[1]


def _imported() -> Iterator[tuple[str, str]]:
    """Page and dotted name of what its Python imports from the project."""
    for block in blocks(ROOT):
        for module, names in IMPORT.findall(block.body):
            yield from ((block.page, f"{module}.{name.strip()}") for name in names.split(","))


def _is_there(name: str) -> bool:
    """Whether a dotted name is a module, or what a module gives."""
    module, inner = name, []
    while module:
        try:
            if find_spec(module):
                break
        except ModuleNotFoundError:
            pass
        module, _, last = module.rpartition(".")
        inner.insert(0, last)
    value = import_module(module)
    for part in inner:
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


@pytest.mark.parametrize(("page", "file"), sorted(set(_mentioned(FILE))))
def test_a_file_that_a_page_names_is_there(page: str, file: str):
    """Relative to the project."""
    assert (ROOT / file).exists(), f"{page} names {file}"


@pytest.mark.filterwarnings("error:.* is now :DeprecationWarning")  # a module by an earlier name
@pytest.mark.parametrize(("page", "name"), sorted({*_mentioned(NAME), *_imported()}))
def test_a_name_that_a_page_gives_can_be_imported(page: str, name: str):
    """A module, or something of one."""
    assert _is_there(name), f"{page} names {name}"
