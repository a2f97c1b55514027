"""What was read of modules (:mod:`fusionmedclip.source_modules`), kept beside the package's bytecode.

Reading all of the package takes a second, which every plan, and every job that may be resumed, would spend
anew. What is kept is found again by a file's contents, so that no edit, copy or clock can make it stale, and
is believed only where the file of it is as it was written. Python's own switch for bytecode turns it off.
"""

import hashlib
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from fusionmedclip import message_words, source_modules
from fusionmedclip.outputs import whole_file
from fusionmedclip.source_modules import Module, Reference, Statement, read_module

__all__ = ["KeptModules", "kept_modules"]


_READERS = [
    Path(str(file)).read_bytes() for file in (source_modules.__file__, message_words.__file__, __file__)
]
"""The code that reads, as it was when it was loaded: another version may read something else in a file."""


class KeptModules:
    """Modules of one package that were read before.

    Parameters
    ----------
    package : Path
        Its folder.
    """

    def __init__(self, package: Path):
        self.path = Path(cache_from_source(str(package / "modules.py"))).with_suffix(".json")
        self.found: dict[str, Any] = _whole(self.path)
        self.is_new = False
        self._seen: dict[Path, tuple[int, Module]] = {}

    def read(self, path: Path, name: str) -> Module:
        """As :func:`fusionmedclip.source_modules.read_module`; a file that has not changed is read once."""
        changed = path.stat().st_mtime_ns
        if path not in self._seen or self._seen[path][0] != changed:
            self._seen[path] = changed, self._module(path, name)
        return self._seen[path][1]

    def _module(self, path: Path, name: str) -> Module:
        source, is_package = path.read_bytes(), path.stem == "__init__"
        key = hashlib.sha256(b"\0".join((*_READERS, str(is_package).encode(), source))).hexdigest()
        with suppress(ValueError, TypeError, AttributeError):  # of no form of ours
            said, kept = self.found.get(name, ("", None))
            if said == key:
                return _from_json(kept)
        module = read_module(source, name, is_package=is_package)
        self.found[name] = key, _as_json(module)
        self.is_new = True
        return module

    def keep(self) -> None:
        """Write down what is new, if anything is and a file can be written there."""
        if self.is_new and not sys.dont_write_bytecode:
            text = json.dumps(self.found)
            with suppress(OSError), whole_file(self.path) as begun:
                begun.write_text(f"{_sum(text)}\n{text}", encoding="utf-8")
        self.is_new = False


@cache
def kept_modules(package: Path) -> KeptModules:
    """Those of a package, read once a process."""
    return KeptModules(package)


def _whole(path: Path) -> dict[str, Any]:
    """What a file holds; nothing of one that is torn or altered, or not there."""
    with suppress(OSError, ValueError, RecursionError):
        said, _, text = path.read_text(encoding="utf-8").partition("\n")
        if said == _sum(text) and isinstance(found := json.loads(text), dict):
            return found
    return {}


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _as_json(module: Module) -> list[Any]:
    definitions = {name: _statements(found) for name, found in module.definitions.items()}
    return [definitions, module.imports, _statements(module.on_import)]


def _statements(found: Iterable[Statement]) -> list[list[Any]]:
    return [[s.digest, *(sorted(part) for part in (s.names, s.imports, s.strings, s.files))] for s in found]


def _from_json(kept: list[Any]) -> Module:
    definitions, imports, on_import = kept
    return Module(
        {name: list(map(_statement, found)) for name, found in definitions.items()},
        {name: [Reference(*one) for one in found] for name, found in imports.items()},
        list(map(_statement, on_import)),
    )


def _statement(kept: list[Any]) -> Statement:
    digest, names, imports, strings, files = kept
    named = frozenset(Reference(*one) for one in imports)
    return Statement(digest, frozenset(names), named, frozenset(strings), frozenset(files))
