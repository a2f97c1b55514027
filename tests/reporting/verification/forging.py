"""Changing results as a forger would, with every digest above them renewed."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from fusionmedclip.reporting.verification.verify import verify_results
from tests.reporting.verification.conftest import build, compute

RUN = "busi/paper/patchcore/k2/seed0"
METRICS, PROVENANCE = f"metrics/{RUN}.json", f"runs/{RUN}/provenance.json"
SCORES, SUPPORT = f"scores/{RUN}/scores.csv", "support/busi/paper/k2_seed0.csv"
SPLIT, ROW = "datasets/busi/split_paper.csv", "tables/images/row_1.csv"


def named(results: Path, **more) -> list[tuple[str, str]]:
    return [(finding.file, finding.what) for finding in verify_results(results, **more).findings]


def edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
    table = pd.read_csv(path, dtype=object, keep_default_na=False)
    changed = change(table)
    table = table if changed is None else changed
    table.to_csv(path, index=False, lineterminator="\n")


def rebuild(results: Path, requests: dict[str, list[dict]]) -> None:
    """Metrics and tables made again from what was forged, each record as the stages write it."""
    settings = json.loads((results / METRICS).read_text())["settings"]
    compute(results, RUN, settings)
    for table, request in requests.items():
        build(results, table, request)
