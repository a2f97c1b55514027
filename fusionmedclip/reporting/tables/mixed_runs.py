"""What a table says beneath of cells whose seeds were not computed alike: other packages, another machine."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fusionmedclip.pipeline.files import read_json

__all__ = ["mixed_lines"]

_FACTS = ("packages", "python", "device", "machine.processor", "machine.vectors", "machine.blas",
          "machine.onednn", "machine.gpu")  # fmt: skip
"""Of a run's provenance, what decides digits and should be one within a cell; the commit only names code."""


def mixed_lines(metrics: Iterable[str | Path], titles: Mapping[str, str]) -> list[str]:
    """One line for each fact that differs between the seeds of a cell.

    Parameters
    ----------
    metrics : iterable of paths
        ``metrics/{dataset}/{split}/{method}/k{k}/seed{seed}.json``.
    titles : mapping
        Of data sets and methods.
    """
    cells: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
    for path in sorted(map(Path, metrics)):
        dataset, _, method, k, seed = path.with_suffix("").parts[-5:]
        cells.setdefault((dataset, method, k), {})[seed] = _facts(read_json(path).get("provenance") or {})
    return [
        f"{titles.get(dataset, dataset)}, {titles.get(method, method)}, k = {k.removeprefix('k')}: {said}."
        for (dataset, method, k), runs in cells.items()
        for said in _differences(runs)
    ]


def _facts(provenance: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for fact in _FACTS:
        value: Any = provenance
        for part in fact.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        name = fact.rpartition(".")[2]
        if isinstance(value, Mapping):
            prefix = "" if name == "packages" else f"{name} "
            found |= {f"{prefix}{key}": str(item) for key, item in value.items()}
        elif value is not None:
            found[name] = str(value)
    return found


def _differences(runs: Mapping[str, Mapping[str, str]]) -> list[str]:
    lines = []
    for name in dict.fromkeys(name for facts in runs.values() for name in facts):
        seeds: dict[str, list[str]] = {}
        for seed, facts in runs.items():
            seeds.setdefault(facts.get(name, "none"), []).append(seed.removeprefix("seed"))
        if len(seeds) > 1:
            lines.append(f"{name} {', '.join(f'{value} ({_seeds(of)})' for value, of in seeds.items())}")
    return lines


def _seeds(numbers: Sequence[str]) -> str:
    return f"seed{'s' if len(numbers) > 1 else ''} {', '.join(sorted(numbers, key=int))}"
