"""Settings of synthesis that compute nothing beside its others: those of anomalies that are never drawn."""

from collections.abc import Iterable, Mapping

__all__ = ["inert_synthesis"]

_PARTS = {
    "cutpaste": ("cutpaste", "perlin"),
    "poisson": ("poisson", "perlin"),
    "gaussian": ("gaussian", "perlin"),
    "density": ("density", "perlin"),
    "source": ("radial", "shape"),
    "sink": ("radial", "shape"),
    "guided": ("guided",),
}
"""Settings that each task reads, beside those that all of them do."""


def inert_synthesis(
    names: Iterable[str],
    *,
    families: Mapping[str, Mapping[str, float]],
    odds: Mapping[str, float] | None,
    foreground: bool,
) -> tuple[str, ...]:
    """Names of what changes no byte of a training pair, whatever its value.

    Parameters
    ----------
    names : iterable of str
        Of all settings of synthesis.
    families, odds, foreground
        As :class:`fusionmedclip.synthesis.SynthesisSettings` has them, the second as ``family_odds``.
    """
    odds = odds or dict.fromkeys(families, 1.0)
    drawn = {
        task
        for family, tasks in families.items()
        for task, share in tasks.items()
        if share > 0 and odds.get(family, 0) > 0
    } - {"identity"}
    if not drawn:
        return tuple(name for name in names if name not in ("families", "family_odds"))
    read = {part for task in drawn for part in _PARTS[task]}
    found = {part for parts in _PARTS.values() for part in parts} - read
    if not foreground:
        found.add("min_on_anatomy")
    return tuple(sorted(found))
