"""Fields of the settings that know their bounds, so that a bad value is refused by name."""

import dataclasses
import types
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeGuard, get_type_hints

from fusionmedclip.errors import InputError

__all__ = [
    "Checked",
    "choice",
    "choices",
    "fixed_number",
    "numbers",
    "probability",
    "span",
    "switch",
    "whole",
]


def span(default: tuple[float, float], *, low: float, high: float) -> Any:
    """A range ``(from, to)`` from which a value is drawn uniformly, inside ``[low, high]``."""
    return dataclasses.field(default=default, metadata={"kind": "span", "low": low, "high": high})


def numbers(default: tuple[float, ...], *, low: float, high: float) -> Any:
    """A non-empty list from which one number is drawn with equal odds."""
    return dataclasses.field(default=default, metadata={"kind": "numbers", "low": low, "high": high})


def fixed_number(default: float, *, low: float, high: float) -> Any:
    """One number in ``[low, high]``."""
    return dataclasses.field(default=default, metadata={"kind": "number", "low": low, "high": high})


def probability(default: float) -> Any:
    """One number in ``[0, 1]``."""
    return fixed_number(default, low=0, high=1)


def whole(default: int, *, low: int, high: int) -> Any:
    """A whole number in ``[low, high]``."""
    return dataclasses.field(default=default, metadata={"kind": "whole", "low": low, "high": high})


def switch(default: bool) -> Any:
    """True or False."""
    return dataclasses.field(default=default, metadata={"kind": "switch"})


def choice(default: str, allowed: tuple[str, ...]) -> Any:
    """One of a few words."""
    return dataclasses.field(default=default, metadata={"kind": "choice", "allowed": allowed})


def choices(default: tuple[str, ...], allowed: tuple[str, ...]) -> Any:
    """Any number of a few words, none included."""
    return dataclasses.field(default=default, metadata={"kind": "choices", "allowed": allowed})


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _inside(value: object, meta: Mapping[str, Any]) -> TypeGuard[float]:
    return _is_number(value) and meta["low"] <= value <= meta["high"]


def _as_span(value: object, meta: Mapping[str, Any]) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(_inside(v, meta) for v in value):
        return None
    return (float(value[0]), float(value[1])) if value[0] <= value[1] else None


def _as_numbers(value: object, meta: Mapping[str, Any]) -> tuple[float, ...] | None:
    if not isinstance(value, list | tuple) or not value or not all(_inside(v, meta) for v in value):
        return None
    return tuple(float(v) for v in value)


def _as_choices(value: object, meta: Mapping[str, Any]) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not all(v in meta["allowed"] for v in value):
        return None
    return tuple(word for word in meta["allowed"] if word in value)


_READERS: dict[str, tuple[Callable[[Any, Mapping[str, Any]], object], str]] = {
    "span": (_as_span, "two numbers [from, to], from <= to, between {low} and {high}"),
    "numbers": (_as_numbers, "a non-empty list of numbers between {low} and {high}"),
    "number": (lambda v, m: float(v) if _inside(v, m) else None, "a number between {low} and {high}"),
    "whole": (
        lambda v, m: v if _inside(v, m) and isinstance(v, int) else None,
        "a whole number between {low} and {high}",
    ),
    "switch": (lambda v, m: v if isinstance(v, bool) else None, "true or false"),
    "choice": (lambda v, m: v if v in m["allowed"] else None, "one of {allowed}"),
    "choices": (_as_choices, "a list of some of {allowed}"),
}


@dataclasses.dataclass(frozen=True)
class Checked:
    """Base of the frozen settings: checks every field made by this module's helpers.

    ``where`` is the dotted name under which the settings stand in a configuration; errors name it.
    ``shortcuts`` are keys that ``from_dict`` takes beside the fields.
    """

    where: ClassVar[str] = "synthesis"
    shortcuts: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if "kind" not in field.metadata:
                continue
            read, allowed = _READERS[field.metadata["kind"]]
            value = getattr(self, field.name)
            checked = read(value, field.metadata)
            if checked is None:
                raise InputError(
                    f"{self.where}.{field.name} cannot be used",
                    received=value,
                    allowed=allowed.format(**field.metadata),
                    hint=f"mend or leave out `{field.name}`; its default is {field.default!r}",
                )
            object.__setattr__(self, field.name, checked)

    @classmethod
    def known(cls, values: object) -> dict[str, Any]:
        """Refuse anything but a mapping whose keys are this class's fields."""
        names = [*cls.shortcuts, *(field.name for field in dataclasses.fields(cls))]
        if not isinstance(values, Mapping):
            raise InputError(f"{cls.where} is not a mapping", received=values, allowed=", ".join(names))
        for name in values:
            if name not in names:
                raise InputError(
                    f"{cls.where}.{name} is not a setting",
                    received=values[name],
                    allowed=", ".join(names),
                    hint=f"check the spelling of `{name}`",
                )
        return dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, base: Self | None = None) -> Self:
        """Settings from a configuration's mapping, over ``base`` or the defaults.

        Raises
        ------
        InputError
            For a key or value that cannot be used, naming it, what was received and what is allowed.
        """
        values = cls.known(values)
        for name, kind in get_type_hints(cls).items():
            if name in values and isinstance(kind, type) and issubclass(kind, Checked):
                start = getattr(base, name, None) if base is not None else None
                if not isinstance(values[name], kind):
                    values[name] = kind.from_dict(values[name], base=start)
        return dataclasses.replace(base, **values) if base is not None else cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-able values; ``from_dict`` reads them back to equal settings."""
        return _plain(dataclasses.asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping | types.MappingProxyType):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
