"""A setting's value for reading."""

from collections.abc import Mapping
from typing import Any

__all__ = ["setting_text"]


def setting_text(value: Any) -> str:
    """A setting for reading; two values that differ never read alike.

    >>> setting_text({"crop": [0.5, 1.0], "flip": False}), setting_text(3e-06), setting_text(None)
    ('crop 0.5, 1; flip False', '3e-06', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        parts = ((name, setting_text(item), isinstance(item, Mapping)) for name, item in value.items())
        return "; ".join(f"{name} ({text})" if nested else f"{name} {text}" for name, text, nested in parts)
    if isinstance(value, list | tuple):
        return ", ".join(map(setting_text, value))
    if isinstance(value, float):
        short = f"{value:.4g}"
        return short if float(short) == value else repr(value)
    return str(value)
