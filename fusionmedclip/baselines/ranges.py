"""Checks of single values, which name the setting, the value and what is allowed."""

from typing import Any

from fusionmedclip.errors import InputError
from fusionmedclip.synthesis.settings import SynthesisSettings

__all__ = [
    "at_least",
    "below_one",
    "blur",
    "exact",
    "fraction",
    "layer_list",
    "makes_anomalies",
    "odd",
    "one_of",
    "positive",
]

_NARROWEST = 0.001
"""Pixels: a thousandth of one, whose neighbours weigh nothing in any precision."""

_WIDEST = 1000
"""Pixels: wider than any picture that is scored."""


def at_least(low: float, **values: float) -> None:
    """Each value is ``low`` or more."""
    for name, value in values.items():
        if not value >= low:
            raise InputError(f"setting `{name}` is too small", received=value, allowed=f"{low} or more")


def positive(**values: float) -> None:
    """Each value is above 0."""
    for name, value in values.items():
        if not value > 0:
            raise InputError(f"setting `{name}` is too small", received=value, allowed="more than 0")


def blur(*, sigma: float) -> None:
    """Of a map, in pixels: 0 for none. Its weights underflow below the bounds; above, nothing is left."""
    if sigma != 0 and not _NARROWEST <= sigma <= _WIDEST:
        allowed = f"0, or {_NARROWEST} to {_WIDEST}, in pixels"
        raise InputError("setting `sigma`", received=sigma, allowed=allowed)


def fraction(**values: float) -> None:
    """Each value is above 0 and at most 1."""
    for name, value in values.items():
        if not 0 < value <= 1:
            raise InputError(f"setting `{name}` is no fraction", received=value, allowed="above 0, at most 1")


def below_one(**values: float) -> None:
    """Each value is 0 or more and below 1: the share of what was that a running mean keeps."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise InputError(f"setting `{name}`", received=value, allowed="0 or more, below 1")


def odd(**values: int) -> None:
    """Each value is an odd number above 0, so that something lies in the middle."""
    for name, value in values.items():
        if value < 1 or value % 2 == 0:
            raise InputError(f"setting `{name}`", received=value, allowed="1, 3, 5, ...")


def one_of(allowed: tuple[Any, ...], **values: Any) -> None:
    """Each value is one of ``allowed``."""
    for name, value in values.items():
        if value not in allowed:
            raise InputError(f"setting `{name}`", received=value, allowed=", ".join(map(str, allowed)))


def exact(precision: str) -> None:
    """It is one in which a baseline that trains a network of its own computes."""
    one_of(("float32", "tf32"), precision=precision)


def makes_anomalies(synthesis: SynthesisSettings | None) -> None:
    """Synthesis, where there is any, has something other than identity to draw."""
    if synthesis is not None:
        synthesis.anomalous()


def layer_list(layers: tuple[Any, ...]) -> None:
    """At least one layer, each a number counted from 1 or a module's name, and named once."""
    good = layers and all(
        isinstance(layer, str) or (isinstance(layer, int) and not isinstance(layer, bool) and layer > 0)
        for layer in layers
    )
    if not good:
        raise InputError(
            "setting `layers`",
            received=layers,
            allowed="one or more layers, each a number counted from 1 or a name such as layer2",
        )
    if len(set(layers)) < len(layers):
        raise InputError("setting `layers` names one twice", received=layers)
