"""What a module of Python holds: its definitions, what each of them names, and what it runs on import.

Syntax alone, nothing is imported. What cannot change a result is left out: comments, docstrings, annotations
of functions and variables, and words for people (:mod:`fusionmedclip.message_words`).
"""

import ast
import hashlib
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, cast

from fusionmedclip.message_words import ERRORS, kept_children, unread_texts

__all__ = ["Module", "Reference", "Statement", "read_module", "reference"]

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(:[A-Za-z_]\w*)?")
_NO_FIELDS = {"annotation", "ctx", "kind", "returns", "type_comment", "type_ignores", "type_params"}
_BINDING = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Reference(NamedTuple):
    """A name of a module; without a name, all that the module holds."""

    module: str
    name: str = ""


@dataclass(frozen=True)
class Statement:
    """A statement at the top of a module.

    Attributes
    ----------
    digest : str
        SHA-256 of its syntax.
    names : frozenset of str
        Names that it looks up, ``a`` or ``a.b``; local ones too.
    imports : frozenset of Reference
        What it imports itself, as functions do that import late.
    strings : frozenset of str
        Texts that name a module, ``module``, or something in one, ``module:name``.
    files : frozenset of str
        Texts that may name a file; ``*`` stands for the parts that are put in.
    """

    digest: str
    names: frozenset[str]
    imports: frozenset[Reference]
    strings: frozenset[str]
    files: frozenset[str]


@dataclass
class Module:
    """A module, by what stands at its top.

    Attributes
    ----------
    definitions : dict
        Name to the statements that bind it.
    imports : dict
        Name to what is imported under it.
    on_import : list of Statement
        What else runs when it is imported.
    followed : dict
        Where what a statement names has led before, for :mod:`fusionmedclip.code_digest`.
    """

    definitions: dict[str, list[Statement]] = field(default_factory=dict)
    imports: dict[str, list[Reference]] = field(default_factory=dict)
    on_import: list[Statement] = field(default_factory=list)
    followed: dict[Statement, tuple[Reference, ...]] = field(default_factory=dict, compare=False)


def reference(text: str) -> Reference:
    """``"module:name"`` or ``"module"``."""
    return Reference(*text.split(":"))


def read_module(source: bytes, name: str, *, is_package: bool = False) -> Module:
    """Read a module's source.

    Parameters
    ----------
    source : bytes
        Its file's.
    name : str
        Dotted, to resolve relative imports by.
    is_package : bool
        Whether it is an ``__init__``.
    """
    package = name if is_package else name.rpartition(".")[0]
    module = Module()
    for node in ast.parse(source).body:
        if _is_text(node) or _is_for_checkers(node):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name_here, found in _imported(node, package):
                module.imports.setdefault(name_here, []).append(found)
            continue
        bound = _bound(node)
        statement = _Reader(package).statement(node)
        for each in bound:
            module.definitions.setdefault(each, []).append(statement)
        if not bound:
            module.on_import.append(statement)
    return module


def _bound(node: ast.stmt) -> list[str]:
    """Names that a statement at the top binds, and no more than binds; none where it does anything else."""
    if isinstance(node, _BINDING):
        return [node.name]
    if isinstance(node, ast.Assign):
        targets = [item for t in node.targets for item in (t.elts if isinstance(t, ast.Tuple) else [t])]
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    else:
        return []
    names = [t.id for t in targets if isinstance(t, ast.Name)]
    return names if len(names) == len(targets) else []


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> list[tuple[str, Reference]]:
    if isinstance(node, ast.Import):
        return [(a.asname or a.name.partition(".")[0], Reference(a.name)) for a in node.names]
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    module = ".".join([*above, *([node.module] if node.module else [])])
    return [
        (alias.asname or alias.name, Reference(module, "" if alias.name == "*" else alias.name))
        for alias in node.names
    ]


def _is_text(node: ast.AST) -> bool:
    """A docstring, of whatever stands before it too: a text alone does nothing."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_index(node: ast.Dict) -> bool:
    """From which a setting chooses: a dict of ``module:name`` alone says nothing of the chosen one."""
    texts = [value.value for value in node.values if isinstance(value, ast.Constant)]
    return len(texts) == len(node.values) > 0 and all(
        isinstance(t, str) and ":" in t and _REFERENCE.fullmatch(t) for t in texts
    )


class _Reader:
    """Collects one statement, node by node.

    What is digested is a text of our own: that of ``ast.dump`` differs between versions of Python.
    """

    def __init__(self, package: str):
        self.package = package
        self.parts: list[str] = []
        self.names: set[str] = set()
        self.imports: list[Reference] = []
        self.strings: set[str] = set()
        self.files: set[str] = set()
        self.left_out: set[ast.AST] = set()

    def statement(self, node: ast.stmt) -> Statement:
        self.node(node)
        digest = hashlib.sha256("\0".join(self.parts).encode()).hexdigest()
        reads = {"files", "resources.files"} & self.names
        return Statement(
            digest,
            frozenset(self.names),
            frozenset(self.imports),
            frozenset(self.strings),
            frozenset(self.files if reads else ()),
        )

    def node(self, node: ast.AST) -> None:
        kind = type(node)
        self.parts.append(kind.__name__)
        special = _SPECIAL.get(kind)
        if special is None or not special(self, node):
            self.fields(node, kind)
        self.parts.append(")")

    def fields(self, node: ast.AST, kind: type[ast.AST]) -> None:
        for name in _fields(cast(Hashable, kind)):
            value = getattr(node, name, None)
            if value is None:
                continue
            self.parts.append(name)
            for item in value if isinstance(value, list) else (value,):
                if not isinstance(item, ast.AST):
                    self.parts.append(repr(item))
                elif not (item in self.left_out or _is_text(item) or _is_for_checkers(item)):
                    self.node(item)

    # Each returns whether nothing more is to be read of the node.

    def _Name(self, node: ast.Name) -> bool:
        if node.id not in ERRORS:
            self.names.add(node.id)
        self.parts.append(node.id)
        return True

    def _Attribute(self, node: ast.Attribute) -> bool:
        if not isinstance(node.value, ast.Name):
            return False
        if node.value.id != "self":
            self.names.add(f"{node.value.id}.{node.attr}")
        self.parts.append(f"{node.value.id}.{node.attr}")
        return True

    def _Call(self, node: ast.Call) -> bool:
        for name, child in kept_children(node):
            self.parts.append(name)
            self.node(child)
        return True

    _arguments = _Call

    def _FunctionDef(self, node: ast.FunctionDef) -> bool:
        self.left_out |= unread_texts(node)
        return False

    _AsyncFunctionDef = _FunctionDef

    def _Dict(self, node: ast.Dict) -> bool:
        return _is_index(node)

    def _Constant(self, node: ast.Constant) -> bool:
        self.parts.append(repr(node.value))
        if isinstance(node.value, str) and len(node.value) < 200:
            if _REFERENCE.fullmatch(node.value):
                self.strings.add(node.value)
            self.files.add(node.value.rpartition("/")[2])
        return True

    def _JoinedStr(self, node: ast.JoinedStr) -> bool:
        pieces = [str(v.value) if isinstance(v, ast.Constant) else "*" for v in node.values]
        self.files.add("".join(pieces).rpartition("/")[2])
        return False

    def _Import(self, node: ast.Import) -> bool:
        self.imports += [found for _, found in _imported(node, self.package)]
        return False

    _ImportFrom = _Import

    def _ClassDef(self, node: ast.ClassDef) -> bool:
        for item in node.body:  # fields of a settings class: their types decide how they are read
            if isinstance(item, ast.AnnAssign):
                self.node(item.annotation)
        return False


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(name for name in kind._fields if name not in _NO_FIELDS)


_SPECIAL = {getattr(ast, key[1:]): special for key, special in vars(_Reader).items() if hasattr(ast, key[1:])}
