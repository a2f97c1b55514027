"""Whether a number may be held against the thesis's, and if not, why."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fusionmedclip.reporting.setting_text import setting_text

__all__ = [
    "NOT_RUN", "NO_LESIONS", "OK", "STAND_IN", "WITHOUT_NUMBER", "reasons_of", "scoped",
]  # fmt: skip

OK, STAND_IN, NOT_RUN, NO_LESIONS = "ok", "stand-in", "not run", "no lesion mask"
WITHOUT_NUMBER = (NOT_RUN, NO_LESIONS)
"""A cell that was not run, and one whose tested images have no lesion pixel in any mask."""

_LOADED = ("backbone", "backbone.stage1", "backbone.captions")
_PLACES = {
    "image_size": "working size",
    "method.settings": "",
    "backbone.stage1.settings": "Stage 1",
    "backbone.stage1": "Stage 1",
    "backbone.captions": "captions",
    "backbone.make": "backbone",
}
"""Where settings lie, the longer path first, and how a reader knows that place."""


def reasons_of(
    differences: Mapping[str, tuple[Any, Any]],
    *,
    weights: tuple[str, str] = ("", ""),
    data: str | None = None,
    captions: str | None = None,
    others: Iterable[str] = (),
) -> list[str]:
    """What differs from the thesis's protocol, a text each: ``key: ours instead of the protocol's``.

    Parameters
    ----------
    differences : mapping
        From :func:`fusionmedclip.reporting.thesis.differences.differences`.
    weights : (str, str)
        Titles of our backbone and of the protocol's. Where another model or other weights are loaded they
        stand for its settings, unless both bear one title.
    data, captions : str, optional
        What the configuration says that its data, or the captions of Stage 1, are in place of.
    others : iterable of str
        Other data sets that the method learns from and that the configuration says are in place of another.

    Returns
    -------
    list of str
        Empty where nothing differs.
    """
    found = {path: values for path, values in differences.items() if not path.startswith("meta.")}
    texts = [f"{name}: {said}" for name, said in (("data", data), ("captions", captions)) if said]
    for name, said in (("source.", data), ("backbone.captions.", captions)):
        if said:
            found = _without(found, name)
    loaded = [path for path in found if path in _LOADED or path.startswith("backbone.make.")]
    if loaded and weights[0] != weights[1]:
        texts.append(f"weights: {weights[0] or 'none'} instead of {weights[1] or 'none'}")
        found = {path: values for path, values in found.items() if path not in loaded}
    if "backbone.stage1" in found:
        ours, _ = found.pop("backbone.stage1")
        found.pop("backbone.captions", None)
        texts.append(f"Stage 1: {'none' if ours is None else 'one of its own'} instead of the protocol's")
    texts += [f"{_named(path)}: {_instead(*values)}" for path, values in found.items()]
    learnt = [path.split(".")[1] for path in differences if path.startswith("meta.")]
    if named := ", ".join(dict.fromkeys([*learnt, *others])):
        texts.append(f"meta-training: other images of {named}")
    return texts


def _without(found: Mapping[str, tuple[Any, Any]], start: str) -> dict[str, tuple[Any, Any]]:
    return {path: values for path, values in found.items() if not path.startswith(start)}


def _named(path: str) -> str:
    path = path.removesuffix(".kind")
    for place, said in _PLACES.items():
        if f"{path}.".startswith(f"{place}."):
            path = f"{said}{path.removeprefix(place)}".lstrip(".")
            break
    return path.replace(".", " ")


def _instead(ours: Any, protocol: Any) -> str:
    return f"{setting_text(ours)} instead of {setting_text(protocol)}"


def scoped(reasons: Mapping[tuple[str, str], Iterable[str]], titles: Mapping[str, str]) -> list[str]:
    """Reasons of many cells in few lines: what holds of the same cells stands together.

    Parameters
    ----------
    reasons : mapping
        (data set, method) of each cell that ran to its reasons, which may be none.
    titles : mapping
        Of data sets and methods.
    """
    holders: dict[str, list[tuple[str, str]]] = {}
    for cell, texts in reasons.items():
        for text in texts:
            holders.setdefault(text, []).append(cell)
    together: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for text, cells in holders.items():
        for part in _blocks(cells):
            together.setdefault(part, []).append(text)
    every = [list(dict.fromkeys(cell[side] for cell in reasons)) for side in (0, 1)]
    ordered = sorted(together.items(), key=lambda item: -len(item[0]))
    return [f"{_scope(cells, every, titles)}: {'; '.join(texts)}." for cells, texts in ordered]


def _blocks(cells: Sequence[tuple[str, str]]) -> list[tuple[tuple[str, str], ...]]:
    """Cells in blocks of all of some data sets by all of some methods, so that two lists name each block."""
    datasets: dict[str, list[str]] = {}
    for dataset, method in cells:
        datasets.setdefault(method, []).append(dataset)
    blocks: dict[tuple[str, ...], list[str]] = {}
    for method, names in datasets.items():
        blocks.setdefault(tuple(names), []).append(method)
    return [
        tuple((dataset, method) for dataset in names for method in methods)
        for names, methods in blocks.items()
    ]


def _scope(
    cells: Sequence[tuple[str, str]], every: Sequence[Sequence[str]], titles: Mapping[str, str]
) -> str:
    parts = []
    for side in (0, 1):
        names = dict.fromkeys(cell[side] for cell in cells)
        if len(names) < len(every[side]):
            parts.append(", ".join(titles.get(name, name) for name in names))
    return "; ".join(parts) or "Every cell"
