"""Which code decides what a job makes: a digest of all that its script reaches, and of nothing else.

Snakemake sees a changed script and never a changed library; with this digest as a parameter of its rule, an
edit reruns exactly the jobs whose code it touches. What is reached is followed name by name: from the
statements of the script to the definitions that they name, from those to the ones that these name, through
imports of every form, those inside functions and those that a package passes on. An edit of one function of a
module so leaves alone whoever calls only another.

A text that names a function or module (``"fusionmedclip.pipeline.runs:run_method"``) reaches it, since that
is how jobs and subprocesses are started. A dict of such texts alone reaches none of them: it is an index, and
who asks says which entries are meant. A file of data in the package counts where its name stands in reached
code.
"""

import hashlib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import cast

from fusionmedclip.kept_modules import kept_modules
from fusionmedclip.provenance import digest, file_sha256
from fusionmedclip.source_modules import Module, Reference, Statement, reference

__all__ = ["code_digest", "reached"]

PACKAGE = Path(__file__).resolve().parent


def code_digest(script: str | Path, entries: Iterable[str] = (), *, package: Path = PACKAGE) -> str:
    """Digest of all code and data that a script reaches.

    Parameters
    ----------
    script : path
        Of Python; modules beside it count as its own.
    entries : iterable of str
        ``module:name`` of what is chosen from an index, such as the class of a method.
    package : Path
        Folder of the library.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    return digest(sorted(reached(script, entries, package=package).items()))[:16]


def reached(script: str | Path, entries: Iterable[str] = (), *, package: Path = PACKAGE) -> dict[str, str]:
    """What a script reaches: digests by ``module:name``, by ``module`` for what runs on import, and by file.

    Parameters and files are as for :func:`code_digest`; files of data are named relative to the package.
    """
    script = Path(script)
    walk = _Walk(script, package)
    walk.reach(Reference(script.stem))
    for entry in entries:
        walk.reach(reference(entry))
    walk.kept.keep()
    return walk.found


class _Walk:
    def __init__(self, script: Path, package: Path):
        self.package = package
        self.modules, self.data = _files(package)
        self.modules = {**self.modules, **_beside(script.parent)}
        self.kept = kept_modules(package)
        self.read: dict[str, Module] = {}
        self.found: dict[str, str] = {}
        self.loaded: set[str] = set()
        self.seen: set[Reference] = set()

    def module(self, name: str) -> Module | None:
        """A module of the library, or one beside the script; None for all others."""
        if name not in self.read and name in self.modules:
            self.read[name] = self.kept.read(self.modules[name], name)
        return self.read.get(name)

    def load(self, name: str) -> None:
        """Import a module, and its packages: what they run on import, and what they import in turn."""
        if name in self.loaded or name not in self.modules:
            return
        self.loaded.add(name)
        module = cast(Module, self.module(name))
        if "." in name:
            self.load(name.rpartition(".")[0])
        self.take(name, name, module.on_import)
        for references in module.imports.values():
            for found in references:
                self.load(found.module)

    def reach(self, wanted: Reference) -> None:
        """Follow a name to its definition, wherever it is passed on."""
        if wanted in self.seen:
            return
        self.seen.add(wanted)
        module = self.module(wanted.module)
        if module is None:
            return
        self.load(wanted.module)
        if not wanted.name:
            for name in [*module.definitions, *module.imports]:
                self.reach(Reference(wanted.module, name))
        elif wanted.name in module.definitions:
            self.take(f"{wanted.module}:{wanted.name}", wanted.module, module.definitions[wanted.name])
        elif wanted.name in module.imports:
            for found in module.imports[wanted.name]:
                self.reach(found)
        elif f"{wanted.module}.{wanted.name}" in self.modules:
            self.reach(Reference(f"{wanted.module}.{wanted.name}"))
        elif "__getattr__" in module.definitions:
            self.reach(Reference(wanted.module, "__getattr__"))

    def take(self, key: str, module: str, statements: list[Statement]) -> None:
        """Count some statements, and all that they name."""
        if not statements:
            return
        self.found[key] = hashlib.sha256("".join(s.digest for s in statements).encode()).hexdigest()
        for statement in statements:
            for found in self.followed(module, statement):
                self.reach(found)
            for path in self.named(statement.files, module):
                self.found[path.relative_to(self.package).as_posix()] = file_sha256(path)

    def followed(self, module: str, statement: Statement) -> tuple[Reference, ...]:
        """Where all that a statement names leads; the same for every script, so looked up once."""
        top = cast(Module, self.module(module))
        if statement not in top.followed:
            leads = [found for name in statement.names for found in self.look_up(module, name)]
            leads += [*statement.imports, *map(self.started, statement.strings)]
            top.followed[statement] = tuple(dict.fromkeys(leads))
        return top.followed[statement]

    def look_up(self, module: str, name: str) -> Iterator[Reference]:
        """A name as a statement of a module uses it; ``a.b`` is ``b`` of ``a`` where that is a module."""
        base, _, attribute = name.partition(".")
        top = cast(Module, self.module(module))
        if base in top.definitions or not attribute:
            if self.holds(module, base):
                yield Reference(module, base)
            return
        for found in top.imports.get(base, ()):
            inside = ".".join(part for part in found if part)
            yield Reference(inside, attribute) if inside in self.modules else found

    def holds(self, module: str, name: str) -> bool:
        """Whether a name may mean something of a module; most are local ones, or Python's own."""
        top = cast(Module, self.module(module))
        bound = {name, "__getattr__"} & top.definitions.keys() or name in top.imports
        return bool(bound) or f"{module}.{name}" in self.modules

    def started(self, text: str) -> Reference:
        """What a text names; a package alone is one that is run."""
        named = reference(text)
        path = self.modules.get(named.module)
        is_run = not named.name and path is not None and path.stem == "__init__"
        return Reference(f"{named.module}.__main__") if is_run else named

    def named(self, texts: Iterable[str], module: str) -> Iterator[Path]:
        """Files of data that some texts name: anywhere in the package, or by a pattern beside the module."""
        for text in texts:
            if text in self.data:
                yield from self.data[text]
            elif "*" in text and "." in text:
                folder = self.modules[module].parent
                for paths in self.data.values():
                    yield from (p for p in paths if p.is_relative_to(folder) and fnmatchcase(p.name, text))


@cache
def _files(package: Path) -> tuple[dict[str, Path], dict[str, list[Path]]]:
    """Modules of the library by their dotted name, and its other files by theirs."""
    modules: dict[str, Path] = {}
    data: dict[str, list[Path]] = {}
    for path in sorted(package.rglob("*.*")):
        if path.suffix == ".py":
            parts = path.relative_to(package.parent).with_suffix("").parts
            modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        elif path.parent.name != "__pycache__":
            data.setdefault(path.name, []).append(path)
    return modules, data


@cache
def _beside(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.glob("*.py")}
