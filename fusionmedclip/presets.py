"""Configurations that come with the package: the protocol, and overlays over it by name."""

from pathlib import Path

from fusionmedclip.errors import InputError

__all__ = ["PROTOCOL", "preset_file", "presets", "shipped"]

PACKAGE = Path(__file__).resolve().parent
PROTOCOL = PACKAGE / "protocol.yaml"
"""The thesis's protocol, ``config.yaml`` as shipped: what every configuration is merged over."""
PAPER = "paper"
"""The preset that adds nothing to the protocol."""


def shipped(folder: str) -> Path:
    """A folder that a checkout has beside the package and an installed package inside it.

    Parameters
    ----------
    folder : str
        ``configs`` or ``schemas``.
    """
    inside = PACKAGE / folder
    return inside if inside.is_dir() else PACKAGE.parent / folder


def presets() -> list[str]:
    """Names of the presets, sorted."""
    return sorted({PAPER, *(path.stem for path in shipped("configs").glob("*.yaml"))})


def preset_file(name: str) -> Path | None:
    """The overlay of a preset; None for the protocol itself.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in presets():
        raise InputError("no such preset", received=name, allowed=", ".join(presets()))
    return None if name == PAPER else shipped("configs") / f"{name}.yaml"
