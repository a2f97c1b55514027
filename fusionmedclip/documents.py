"""Text, YAML and JSON files, read strictly: what two readers could understand differently is refused."""

import json
import math
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from fusionmedclip.errors import InputError
from fusionmedclip.guard import guarded

__all__ = ["QUOTES", "check_plain", "decode_text", "parse_json", "read_json", "read_text", "read_yaml"]

QUOTES = "put text in quotes: YAML reads no, yes, on and off as false and true, 010 as 8 and 12:30 as 750"
_VALUES = 200_000  # of one document, aliases followed: far above any configuration, far below a bomb
_DEPTH = 100
_TWO_WAYS = re.compile(r"[-+]?(?:0[0-9_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[0-9]+[eE][-+]?[0-9]+)")
"""Numbers to one reader of YAML and text, or another number, to the next: 010, 12:30, 1e-3."""


def read_text(path: Path) -> str:
    """Text of a UTF-8 file; a byte order mark is taken off.

    Raises
    ------
    InputError
        Naming file and line where the bytes are no UTF-8, or hold a NUL.
    """
    return decode_text(path.read_bytes(), path)


def decode_text(data: bytes, path: Path) -> str:
    """Text of a file's bytes; see :func:`read_text`."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path}: is UTF-16, not UTF-8", hint="save it as UTF-8")
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        hint = "this is no text file, or UTF-16: export it again, as UTF-8"
        raise InputError(f"{path}, line {line}: holds a NUL byte", hint=hint)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}, line {line}: not UTF-8",
            received=data[error.start : error.start + 1],
            hint="save it as UTF-8; it is perhaps Latin-1 or Windows-1252",
        ) from error


@guarded("JSON", hint="make it again, or restore it")
def read_json(path: Path | str) -> Any:
    """Value of a JSON file, as RFC 8259 has it: no NaN, and no key twice.

    Raises
    ------
    InputError
        Naming the file where it is missing, no UTF-8, no JSON, or holds a key twice.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return parse_json(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}, column {error.colno}: {error.msg}") from error


def parse_json(text: str) -> Any:
    """Value of a JSON text; no number that is not finite, and no key twice.

    Raises
    ------
    JSONDecodeError, RecursionError
        Where it is no JSON, for the caller who knows where it stands.
    InputError
        For a key twice or a number that is not finite.
    """
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)


@guarded("YAML", hint="indent with spaces, and put text with special characters in quotes")
def read_yaml(path: Path) -> Any:
    """Value of a YAML file: plain data only (see :func:`check_plain`), and no key twice in one mapping.

    Raises
    ------
    InputError
        Naming file and line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    text = read_text(path)
    try:
        _check_size(text, path)
        value = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as refused:
        error = _in_other_words(text) or refused
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = " ".join(part for part in (error.context, error.problem) if part)
        lines = text.splitlines()[mark.line : mark.line + 1] if mark else []
        hint = "indent with spaces, never with tabs" if any("\t" in line for line in lines) else ""
        raise InputError(f"{path}{where}: not YAML ({said})", hint=hint) from refused
    check_plain(value, path)
    return value


def check_plain(value: Any, where: Path | str) -> None:
    """Refuse what YAML makes of data beyond text keys, text, finite numbers, true, false, null and lists.

    So every configuration is also JSON, and has one digest.

    Raises
    ------
    InputError
        Naming the key; also for a value that holds itself, and for aliases that multiply without end.
    """
    waiting: list[tuple[Any, str, int]] = [(value, "", 0)]
    seen = 0
    while waiting:
        item, key, depth = waiting.pop()
        seen += 1
        if seen > _VALUES or depth > _DEPTH:
            raise InputError(f"{where}: nested too deeply, or aliases that lead to one another", received=key)
        if isinstance(item, Mapping):
            for name, inner in item.items():
                if not isinstance(name, str):
                    raise InputError(f"{where}: {key or 'a key'}: keys are text", received=name, hint=QUOTES)
                waiting.append((inner, f"{key}.{name}" if key else name, depth + 1))
        elif isinstance(item, list | tuple):
            waiting += [(inner, f"{key}[{place}]", depth + 1) for place, inner in enumerate(item)]
        elif isinstance(item, float) and not math.isfinite(item):
            raise InputError(f"{where}: {key or 'the value'} is not finite", received=item)
        elif not isinstance(item, str | int | float | bool | None):
            raise InputError(f"{where}: {key or 'the value'} is no plain value", received=item, hint=QUOTES)


_YAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where libyaml is there."""


def _check_size(text: str, path: Path) -> None:
    """Refuse nesting without end, and values without number, aliases followed, before any is made.

    They are made by recursion, in C too, and a mapping merged into mappings that are merged multiplies.
    """
    sizes: dict[str | None, int] = {}  # of what an anchor names
    anchors: list[str | None] = [None]
    inside = [0]
    for event in yaml.parse(text, Loader=_YAML):
        if isinstance(event, yaml.CollectionStartEvent):
            anchors.append(event.anchor)
            inside.append(0)
            if len(inside) > _DEPTH + 1:
                line = event.start_mark.line + 1
                raise InputError(f"{path}, line {line}: nested too deeply", allowed=f"{_DEPTH} levels")
            continue
        size = 1
        if isinstance(event, yaml.AliasEvent):
            size += sizes.get(event.anchor, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            sizes[anchors.pop()] = inside[-1]
            size += inside.pop()
        inside[-1] += size
        if inside[-1] > _VALUES:
            line = event.start_mark.line + 1
            what = f"{path}, line {line}: too many values, aliases followed"
            raise InputError(what, allowed=f"{_VALUES:,}")


def _in_other_words(text: str) -> yaml.MarkedYAMLError | None:
    """What PyYAML's own parser says, which names the character and its column."""
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        return error
    return None


class _Loader(_YAML):
    """YAML's safe types, without what two readers take differently.

    A key that stands twice in one mapping is an error, where PyYAML takes the last, and so is a number that
    YAML 1.1 and 1.2 read differently.
    """

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        if not node.style and _TWO_WAYS.fullmatch(node.value):
            what = f"line {node.start_mark.line + 1}: {node.value} is not one number to every reader of YAML"
            raise InputError(what, hint="write it as 140, 750 or 0.001, or put text in quotes")
        return super().construct_scalar(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[Hashable, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            merge = key.tag == "tag:yaml.org,2002:merge"
            name = key.value if merge else self.construct_object(key)
            if name in lines:
                what = (
                    f"line {key.start_mark.line + 1}: key {key.value} stands there since line {lines[name]}"
                )
                raise InputError(what, hint="take one of the two out: only one could count")
            lines[name] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("a key stands twice", received=twice)
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InputError("a number is too large", received=text)
    return value


def _no_constant(name: str) -> None:
    raise InputError("a number is not finite", received=name)
