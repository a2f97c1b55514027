"""Which parts of code are words for people: what reaches errors, warnings and logs, and nothing else.

Syntax alone, as in :mod:`fusionmedclip.source_modules`, which leaves these parts out: another word in a hint
must not train anything again. What is taken for words is so by its place: an argument of an error, a warning,
a log or of the guards that make errors, and what is given to, or the default of, a parameter that is called
``hint``; and by its use: a text under a local name that is read in such places alone.
"""

import ast
from collections.abc import Iterator

__all__ = ["ERRORS", "kept_children", "unread_texts"]

ERRORS = frozenset({"InputError", "PassingError"})
"""Classes of which nothing but the words of their calls matters to anybody."""

_TOLD = frozenset({"reading", "guarded", "warnings.warn", "_log.info", "_log.warning"})
"""Calls whose arguments are words, and a name that stands in them."""

_PLACES = frozenset({"hint"})
_PLACES_OF_TEXTS = frozenset({"where", "description"})
"""Keywords that take words; those of the second kind also take other things, in libraries' functions."""


def kept_children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Fields and nodes below a node that are more than words; of a call or of a function's parameters."""
    if isinstance(node, ast.Call):
        yield "func", node.func
        if _tells(node.func):
            return
        for value in node.args:
            yield "args", value
        for keyword in node.keywords:
            if not _is_place(keyword):
                yield "keywords", keyword
    elif isinstance(node, ast.arguments):
        yield from _parameters(node)
    else:
        for name, value in ast.iter_fields(node):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, ast.AST):
                    yield name, item


def _parameters(node: ast.arguments) -> Iterator[tuple[str, ast.AST]]:
    """Parameters and their defaults; one that is called ``hint`` is there, but what it says is not."""
    positional = [*node.posonlyargs, *node.args]
    defaults = [None] * (len(positional) - len(node.defaults)) + list(node.defaults)
    both = [*zip(positional, defaults, strict=True), *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
    for group in ("posonlyargs", "args", "vararg", "kwonlyargs", "kwarg"):
        found = getattr(node, group)
        for item in found if isinstance(found, list) else [found]:
            if item is not None:
                yield group, item
    for parameter, default in both:
        if default is not None and parameter.arg not in _PLACES:
            yield "defaults", default


def _tells(function: ast.expr) -> bool:
    """Whether a function only tells people: ``warnings.warn``, ``problems.add`` of whatever has problems."""
    if isinstance(function, ast.Name):
        return function.id in _TOLD | ERRORS
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return f"{last}.{function.attr}" in _TOLD or (last == "problems" and function.attr == "add")


def _is_place(keyword: ast.keyword) -> bool:
    return keyword.arg in _PLACES or (keyword.arg in _PLACES_OF_TEXTS and _is_text(keyword.value))


def _is_text(node: ast.expr | None) -> bool:
    """Whether an expression is a text that is put together here."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr() | ast.Call(func=ast.Name(id="str")):
            return True
        case ast.BoolOp():
            return any(map(_is_text, node.values))
        case ast.BinOp(op=ast.Add()):
            return _is_text(node.left) or _is_text(node.right)
        case ast.IfExp():
            return _is_text(node.body) and _is_text(node.orelse)
        case ast.Call(func=ast.Attribute(value=owner, attr="join" | "format")):
            return _is_text(owner)
    return False


def unread_texts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[ast.stmt]:
    """Statements that give a text a local name of which only words are made."""
    unread: dict[str, list[ast.stmt]] = {}
    for node in _statements(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_text(value):
                unread.setdefault(name, []).append(node)
    while unread:
        left_out = {statement for found in unread.values() for statement in found}
        read = set(_names_read(function, left_out)) & unread.keys()
        if not read:
            return left_out
        unread = {name: found for name, found in unread.items() if name not in read}
    return set()


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Statements below one, however deep; expressions hold none, and are most of all nodes."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, part, ()):
            yield inner
            yield from _statements(inner)


def _names_read(node: ast.AST, left_out: set[ast.stmt]) -> Iterator[str]:
    if node in left_out:
        return
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    for _, child in kept_children(node):
        yield from _names_read(child, left_out)
