"""What finished runs say of a comparison: an estimate, or why there is none."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fusionmedclip.errors import InputError
from fusionmedclip.metrics import DeLong, delong
from fusionmedclip.metrics.contrasts import Estimate, Group, contrast, of_replication
from fusionmedclip.reporting.claims.comparisons import Cell, Comparison
from fusionmedclip.reporting.comparisons.tested_images import Images
from fusionmedclip.reporting.comparisons.verdicts import difference_of, figures_of, split_draw
from fusionmedclip.reporting.finished import empty_status, read_cell, read_scores, status_of
from fusionmedclip.reporting.status import NOT_RUN, OK

__all__ = ["MISSING", "NO_POOL", "ONE_SEED", "Evidence", "cell_of", "read_evidence"]

MISSING = "not in this configuration"
ONE_SEED = "one support draw shows no spread"
NO_POOL = "nothing tells how far support sets of another pool would lie"
"""With nearly all of the pool in the support set, and no smaller one to learn from."""


def read_evidence(
    requests: Sequence[Mapping[str, Any]],
    *,
    cells: set[Cell],
    results: str | Path,
    manifests: Sequence[str | Path],
    images: Mapping[str, Images],
) -> "Evidence":
    """Read the cells that claims rest on.

    Parameters
    ----------
    requests : sequence of mappings
        Cells of tables, from :func:`fusionmedclip.reporting.tables.rows.table_request`.
    cells : set of Cell
        Those that are wanted.
    results : path
    manifests : sequence of paths
    images : mapping
        Data set to what is known of its images.
    """
    found = {}
    for request in requests:
        if (cell := cell_of(request)) in cells:
            found[cell] = _read(request, results, manifests)
    return Evidence(found, images)


def cell_of(request: Mapping[str, Any]) -> Cell:
    """Address of a cell that a table asks for."""
    return Cell(request["table"], request["dataset"], request["method"], request["k"])


def _read(request: Mapping[str, Any], results: str | Path, manifests: Sequence[str | Path]) -> dict[str, Any]:
    records, values = read_cell(request, results)
    if not values:
        return {**request, "values": [], "status": empty_status(request, results)}
    scored = read_scores(results, records)
    return {
        **request,
        "values": values,
        "labels": scored.labels,
        "scores": scored.scores,
        "status": status_of(request, manifests, records.values()),
    }


class Evidence:
    """Cells that were read, and what is known of their images.

    Parameters
    ----------
    cells : mapping
        Cell to its request with ``values``, ``status`` and, where any ran, ``labels`` and ``scores``.
    images : mapping
        Data set to what is known of its images.
    """

    def __init__(self, cells: Mapping[Cell, Mapping[str, Any]], images: Mapping[str, Images]):
        self._cells, self._images = cells, images
        self._components: dict[Cell, DeLong] = {}

    def estimate(self, comparison: Comparison) -> Estimate | str:
        """A comparison's sum, or why there is none."""
        lacking = [self.lacking(cell) for cell, _ in comparison.terms]
        if any(lacking):
            return next(why for why in lacking if why)
        if comparison.figure:
            return self._figure(comparison)
        datasets = dict.fromkeys(cell.dataset for cell, _ in comparison.terms)
        groups = []
        for dataset in datasets:
            terms = [(cell, weight) for cell, weight in comparison.terms if cell.dataset == dataset]
            group = self._group(dataset, terms)
            if group is None:
                return NO_POOL
            groups.append(group)
        return contrast(groups)

    def lacking(self, cell: Cell) -> str:
        """Why a cell cannot be held against the thesis; empty where it can."""
        held = self._cells.get(cell)
        if held is None or cell.dataset not in self._images:
            return MISSING if held is None else NOT_RUN
        if held["status"] != OK:
            return str(held["status"])
        return ONE_SEED if len(held["values"]) < 2 else ""

    @cached_property
    def _figures(self) -> dict[str, dict[tuple, tuple]]:
        """What the thesis prints beside each cell, table by table."""
        tables = dict.fromkeys(cell.table for cell in self._cells)
        held = {
            t: [found for cell, found in self._cells.items() if cell.table == t and found["values"]]
            for t in tables
        }
        return {table: figures_of(cells, self._images) for table, cells in held.items()}

    def _figure(self, comparison: Comparison) -> Estimate | str:
        ((cell, _),) = comparison.terms
        figures = self._figures[cell.table]
        held, figure = figures[cell.dataset, cell.method, cell.k]
        found = difference_of(held, figure, self._images[cell.dataset], figures)
        if found is None:
            return NO_POOL
        return of_replication(found, float(np.mean(held["values"])), len(held["values"]))

    def _group(self, dataset: str, terms: Sequence[tuple[Cell, float]]) -> Group | None:
        held = self._cells[terms[0][0]]
        draw = split_draw(dataset, held["labels"], self._images[dataset])
        by_k = []
        for k in dict.fromkeys(cell.k for cell, _ in terms):
            part = [(cell, weight) for cell, weight in terms if cell.k == k]
            shown = [k] if draw.shows_pools(k) else self._smaller(part, k)
            shown = [other for other in shown if draw.shows_pools(other)]
            if not shown:
                return None
            by_k.append((max(shown), self._sum([(cell._replace(k=max(shown)), w) for cell, w in part])))
        whole = None
        if held["metric"] == "image_auroc":
            parts = [(self._delong(cell), weight) for cell, weight in terms]
            whole = DeLong(
                np.sum([weight * found.of_anomalous for found, weight in parts], axis=0),
                np.sum([weight * found.of_normal for found, weight in parts], axis=0),
            )
        return Group(self._sum(terms), whole, draw, by_k)

    def _sum(self, terms: Sequence[tuple[Cell, float]]) -> list[float]:
        counts = {cell: len(self._cells[cell]["values"]) for cell, _ in terms}
        if len(set(counts.values())) > 1:
            found = ", ".join(f"{' '.join(map(str, cell))}: {count}" for cell, count in counts.items())
            raise InputError(
                "cells of one claim have other numbers of seeds, which pair",
                received=found,
                hint="run all methods with the same seeds",
            )
        values = [weight * np.asarray(self._cells[cell]["values"]) for cell, weight in terms]
        return [float(value) for value in np.sum(values, axis=0)]

    def _smaller(self, terms: Sequence[tuple[Cell, float]], k: int) -> list[int]:
        """Smaller numbers of support images at which the same methods ran."""
        every = sorted({cell.k for cell in self._cells if cell.k < k})
        return [
            other for other in every if not any(self.lacking(cell._replace(k=other)) for cell, _ in terms)
        ]

    def _delong(self, cell: Cell) -> DeLong:
        if cell not in self._components:
            held = self._cells[cell]
            self._components[cell] = delong(held["labels"], held["scores"])
        return self._components[cell]
