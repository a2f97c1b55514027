"""What a table says of methods that were taught by labels of other data sets."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from fusionmedclip.pipeline.files import read_json

__all__ = ["labelled_lines"]


def labelled_lines(
    metrics: Iterable[str | Path], labelled: Collection[str], titles: Mapping[str, str]
) -> list[str]:
    """One line for each method and data set that it is tested on, as its runs recorded it.

    Parameters
    ----------
    metrics : iterable of paths
        ``metrics/{dataset}/{split}/{method}/k{k}/seed{seed}.json``, in results that hold ``learnt/`` as well.
    labelled : collection of str
        Methods that learn from labels of other data sets.
    titles : mapping
        Of data sets and methods.
    """
    meta: dict[tuple[str, str], dict[str, int]] = {}
    for path in sorted(map(Path, metrics)):
        dataset, split, method, _, seed = path.with_suffix("").parts[-5:]
        if method not in labelled:
            continue
        counts = meta.setdefault((method, dataset), dict.fromkeys(read_json(path)["settings"]["meta"], 0))
        learnt = path.parents[5] / "learnt" / dataset / split / method / seed / "provenance.json"
        if learnt.is_file():
            counts |= read_json(learnt).get("left_out_as_tested", {})  # the same whatever the seed
    lines = [_line(*place, counts, titles) for place, counts in meta.items()]
    what = "These figures do not compare with those of methods that saw normal images only."
    return [*lines, what] if lines else []


def _line(method: str, dataset: str, counts: Mapping[str, int], titles: Mapping[str, str]) -> str:
    others = ", ".join(titles.get(name, name) for name in counts)
    left_out = ", ".join(f"{count} of {titles.get(name, name)}" for name, count in counts.items() if count)
    said = (
        f"{titles.get(method, method)}, tested on {titles.get(dataset, dataset)}: learnt from {others}, "
        "normal and abnormal images with their labels, and masks where they have any"
    )
    return (
        f"{said}; left out as images, or nearly, of the tested set: {left_out}." if left_out else f"{said}."
    )
