"""Frozen settings from a configuration's mappings, with errors that name the key."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from fusionmedclip.documents import QUOTES
from fusionmedclip.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["OFF", "build", "effective", "plain"]

S = TypeVar("S", bound="DataclassInstance")
_MOST = {float: 1e30, int: 2**31 - 1}
"""Of each kind: beyond them torch and others refuse a number in their own words (float32 ends at 3e38)."""


class _Off:
    """See :data:`OFF`."""

    def __repr__(self) -> str:
        return "off"


OFF = _Off()
"""In place of a setting that computes nothing beside the others; see :func:`effective`."""


def build(cls: type[S], values: S | Mapping[str, Any] | None, *, where: str = "") -> S:
    """Make a settings dataclass from a mapping, nested settings included.

    Parameters
    ----------
    cls : type
        A frozen dataclass. A class with its own ``from_dict`` is built by that.
    values : mapping, settings or None
        Settings of the class are handed back. Unknown keys are an error; missing keys keep their defaults.
    where : str
        Key of this mapping in the configuration, for messages.

    Raises
    ------
    InputError
        Naming the key, the value, and what is allowed.

    Examples
    --------
    >>> from fusionmedclip.models.settings import TemperatureSettings
    >>> build(TemperatureSettings, {"value": 0.1}).value
    0.1
    """
    if isinstance(values, cls):
        return values
    if values is not None and not isinstance(values, Mapping):
        raise InputError(f"{where or cls.__name__} must be a mapping", received=values)
    own = getattr(cls, "from_dict", None)
    if own is not None:
        return own(dict(values or {}))
    hints = typing.get_type_hints(cls)
    names = [f.name for f in dataclasses.fields(cls)]
    arguments = {}
    for name, value in (values or {}).items():
        path = f"{where}.{name}" if where else str(name)
        if name not in names:
            raise InputError(f"unknown key {path}", received=value, allowed=", ".join(names))
        arguments[name] = _convert(hints[name], value, path)
    return cls(**arguments)


def _convert(hint: Any, value: Any, path: str) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in options:
        return None
    for option in options:
        if isinstance(option, type) and dataclasses.is_dataclass(option):
            return build(option, value, where=path)
        if typing.get_origin(option) is tuple and isinstance(value, list | tuple):
            return _tuple(option, value, path)
    kinds = tuple(typing.get_origin(o) or o for o in options)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{path} is not finite", received=value)
    most = _MOST[float if isinstance(value, float) or int not in kinds else int]
    if isinstance(value, int | float) and not -most <= value <= most:
        raise InputError(f"{path} is too large", received=value, allowed=f"up to {most:,}")
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if int not in kinds else value
    if Any in kinds or (isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)):
        return value
    allowed = " or ".join("nothing" if k is type(None) else k.__name__ for k in kinds)
    raise InputError(f"{path} has the wrong type", received=value, allowed=allowed, hint=_hint(value, kinds))


def _tuple(hint: Any, values: list | tuple, path: str) -> tuple:
    items = typing.get_args(hint)
    if not items:
        return tuple(values)
    if items[-1] is Ellipsis:
        items = items[:1] * len(values)
    if len(items) != len(values):
        raise InputError(f"{path} has the wrong length", received=values, allowed=f"{len(items)} values")
    return tuple(_convert(i, v, f"{path}[{n}]") for n, (i, v) in enumerate(zip(items, values, strict=True)))


def _hint(value: Any, kinds: tuple) -> str:
    if str in kinds and not isinstance(value, str):
        return QUOTES
    if not isinstance(value, str) or not {int, float} & set(kinds):
        return ""
    try:
        float(value)
    except ValueError:
        return ""
    return "write it without quotes, and 1e-3 as 1.0e-3: YAML takes both for text"


def plain(settings: Any) -> Any:
    """Settings as plain JSON-able data (tuples become lists)."""
    if dataclasses.is_dataclass(settings):
        return {f.name: plain(getattr(settings, f.name)) for f in dataclasses.fields(settings)}
    if isinstance(settings, Mapping):
        return {str(k): plain(v) for k, v in settings.items()}
    if isinstance(settings, list | tuple):
        return [plain(v) for v in settings]
    return settings


def effective(settings: Any) -> Any:
    """Settings as :func:`plain` data, with :data:`OFF` in place of what computes nothing.

    A class of settings names those in its property ``inert``, as dotted keys below itself: a part that is
    off, a phase that does not run, one of two ways that is not taken. What switches such a setting off must
    itself be a setting that is left, so that two settings that compute something else still differ.
    """
    if dataclasses.is_dataclass(settings):
        found = {f.name: effective(getattr(settings, f.name)) for f in dataclasses.fields(settings)}
        for path in getattr(settings, "inert", ()):
            _switch_off(found, path.split("."))
        return found
    return plain(settings)


def _switch_off(found: Any, path: list[str]) -> None:
    for name in path[:-1]:
        found = found[name]
        if not isinstance(found, dict):  # the whole part is not there
            return
    found[path[-1]] = OFF
