"""Small results made by the stages themselves, once; each test gets a copy of its own."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from fusionmedclip.config import Config, merge
from fusionmedclip.pipeline.backbones import make_backbone
from fusionmedclip.pipeline.datasets import (
    curate_dataset,
    draw_phantoms,
    list_dataset,
    prepare_dataset,
    sample_support,
    split_dataset,
)
from fusionmedclip.pipeline.measures import compute_metrics
from fusionmedclip.pipeline.runs import run_method
from fusionmedclip.provenance import digest, file_sha256
from fusionmedclip.reporting.comparisons.statistics import build_statistics
from fusionmedclip.reporting.tables.appendix import appendix_request
from fusionmedclip.reporting.tables.appendix_formats import build_appendix
from fusionmedclip.reporting.tables.asked import asked_of, table_layout
from fusionmedclip.reporting.tables.formats import files_of
from fusionmedclip.reporting.tables.row import build_row
from fusionmedclip.reporting.tables.rows import row_request, rows_of, run_settings, runs_of
from fusionmedclip.reporting.tables.write import write_table
from fusionmedclip.reporting.verification.collect import STATISTICS

SMALL = {"datasets": {"busi": {"source": {"normal": 9, "abnormal": 5}, "test": {"normal": 6, "abnormal": 5}}}}
TABLES = {
    "images": {"title": "Images", "metric": "image_auroc", "rows": "method", "datasets": ["busi"],
               "shots": [2], "methods": ["patchcore", "mean_brightness_raw"]},
    "pixels": {"title": "Pixels", "metric": "pixel_auroc", "rows": "dataset_k", "datasets": ["busi"],
               "shots": [2], "methods": ["patchcore"]},
}  # fmt: skip


@pytest.fixture(scope="session")
def small() -> Config:
    """One data set, two methods, two seeds, two tables."""
    return _small()


@cache
def _small() -> Config:
    root = Path(__file__).parents[3]
    files = (root / "config.yaml", root / "tests/workflow/tiny.yaml")
    data: dict = {}
    for part in (*(yaml.safe_load(path.read_text()) for path in files), SMALL):
        data = merge(data, part)
    return Config.checked({**data, "tables": TABLES})


@pytest.fixture(scope="session")
def requests_of_small(small) -> dict[str, list[dict]]:
    """What the configuration asks for, by table."""
    return {t: [cell for row in rows_of(small, t) for cell in row_request(small, t, row)] for t in TABLES}


@pytest.fixture(scope="session")
def asked_of_small(small) -> dict[str, dict]:
    """Cells and look of each table, as the configuration asks for them."""
    return asked_of(small)


@pytest.fixture(scope="session")
def finished(small, requests_of_small, tmp_path_factory) -> Path:
    """Everything from phantoms to tables; nobody writes here."""
    results = tmp_path_factory.mktemp("small") / "results"
    folder, entry = results / "datasets/busi", small.dataset("busi")
    folder.mkdir(parents=True)
    phantoms = folder / "phantoms"
    source = {"kind": "folder", "path": str(phantoms), "normal": ["normal"], "abnormal": ["abnormal"],
              "mask_folder": "masks"}  # fmt: skip
    manifest = str(folder / "manifest.csv")
    draw_phantoms(source=entry["source"], out=str(phantoms))
    list_dataset(dataset="busi", source=source, manifest=manifest)
    images, masks = (str(folder / f"{name}.npy") for name in ("images", "masks"))
    form = small.data["images"]
    prepare_dataset(source=source, manifest=manifest, size=64, form=form, images=images, masks=masks)
    out = {"curation": str(folder / "curation.json"), "duplicates": str(folder / "duplicates.csv")}
    curate_dataset(dataset="busi", source=source, manifest=manifest, **out)
    split = str(folder / "split_paper.csv")
    split_dataset(manifest=manifest, duplicates=None, name="paper", test=entry["test"], seed=0, out=split)
    make_backbone(settings=small.backbone_settings("clip"), out=str(results / "backbones/clip/settings.json"))
    cells = [cell for table in TABLES for row in rows_of(small, table).values() for cell in row]
    for run in runs_of(small, cells):
        _finish(small, run, results, {"manifest": manifest, "images": images, "masks": masks, "split": split})
    for table in TABLES:
        build(results, table, requests_of_small[table])
    build_appendix(tables=appendix_request(small), folder=results / "tables")
    return results


def _finish(config: Config, run, results: Path, inputs: dict[str, str]) -> None:
    """One run and its metrics."""
    support = results / f"support/busi/paper/k{run.k}_seed{run.seed}.csv"
    draw = {"split": inputs["split"], "k": run.k, "seed": run.seed, "dataset": "busi"}
    sample_support(**draw, supports="nested", out=str(support))
    settings = run_settings(config, run)
    if settings["backbone"] is not None:
        backbone = results / "backbones" / settings["backbone"]["name"]
        files = {"backbone": "settings.json", "backbone_weights": "model.safetensors",
                 "backbone_config": "open_clip_config.json"}  # fmt: skip
        inputs = {**inputs, **{name: str(backbone / file) for name, file in files.items()}}
    ran, scored = results / "runs" / run.path, results / "scores" / run.path
    outputs = {
        "weights": ran / "weights",
        "log": ran / "training_log.csv",
        "provenance": ran / "provenance.json",
        "scores": scored / "scores.csv",
        "pixel_counts": scored / "pixel_counts.npz",
        "examples": scored / "examples.npz",
    }
    names = {name: str(path) for name, path in outputs.items()}
    run_method(settings=settings, inputs={**inputs, "support": str(support)}, outputs=names)
    compute(results, run.path, settings)


def compute(results: Path, run: str, settings: dict) -> None:
    """The metrics file of a run."""
    compute_metrics(
        scores=str(results / "scores" / run / "scores.csv"),
        pixel_counts=str(results / "scores" / run / "pixel_counts.npz"),
        provenance=str(results / "runs" / run / "provenance.json"),
        settings=settings,
        out=str(results / "metrics" / f"{run}.json"),
    )


def build(results: Path, table: str, request: list[dict], **look) -> None:
    """Rows, statistics, printed formats and record of a table, as the workflow's rules make them."""
    look = {**table_layout(_small(), table), **look}
    tables = results / "tables"
    runs = sorted({run for cell in request for run in cell["runs"]})
    manifests = [results / "datasets/busi/manifest.csv"]
    statistics = {name: tables / f"{table}_{name}.csv" for name in STATISTICS}
    rows = {number: tables / table / f"row_{number}.csv" for number in {cell["row"] for cell in request}}
    for number, out in rows.items():
        cells = [cell for cell in request if cell["row"] == number]
        build_row(request=cells, results=results, manifests=manifests, out=out)
    folder = results / "datasets/busi"
    images = {
        "manifests": manifests,
        "splits": [folder / "split_paper.csv"],
        "supports": sorted((results / "support/busi/paper").iterdir()),
        "duplicates": [folder / "duplicates.csv"],
    }
    build_statistics(request=request, results=results, **images, **statistics)
    statistics["further"] = statistics.pop("metrics")
    write_table(
        results=results,
        request=request,
        look=look,
        rows=list(rows.values()),
        metrics=[results / "metrics" / f"{run}.json" for run in runs],
        scores=[results / "scores" / run / "scores.csv" for run in runs],
        **images,
        **statistics,
        record=tables / f"{table}.inputs.json",
        files=[tables / name for name in files_of(table)],
    )


@pytest.fixture
def results(finished, tmp_path) -> Path:
    """A copy of finished results, in another place than they were made in."""
    shutil.copytree(finished, tmp_path / "moved" / "results")
    return tmp_path / "moved" / "results"


@pytest.fixture
def forged(results) -> Callable[..., None]:
    """Change a JSON file, and hide it: by the digests that other records hold of it, and by their seals."""

    def forge(name: str, change: Callable[[dict], None]) -> None:
        path = results / name
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))
        reseal(results)

    return forge


def reseal(results: Path, *, believed: tuple[str, ...] = ("metrics", "tables")) -> None:
    """Write today's digests into the records of some folders, from the lowest upwards, as a forger would."""
    for folder in ("runs", "metrics", "tables"):
        if folder in believed:
            for path in sorted((results / folder).rglob("*.json")):
                _renew(path, results)


def _renew(path: Path, results: Path) -> None:
    record = json.loads(path.read_text())
    for held in (record, record.get("provenance", {})):
        for part in ("inputs", "outputs"):
            for name in held.get(part, {}):
                tail = next(f for f in _tails(name) if (results / f).is_file() or len(f.split("/")) == 1)
                if (results / tail).is_file():
                    held[part][name] = file_sha256(results / tail)
    if "seal" in record:
        record.pop("seal")
        record["seal"] = digest(record)
    path.write_text(json.dumps(record))


def _tails(name: str) -> list[str]:
    parts = name.lstrip("/").split("/")
    return ["/".join(parts[at:]) for at in range(len(parts))]
