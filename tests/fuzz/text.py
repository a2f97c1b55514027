"""Configurations, tables, captions, lists and JSON, as the fuzz test reads them."""

import json
from pathlib import Path

from fusionmedclip.config import load_config
from fusionmedclip.data.curation.curate import read_curation
from fusionmedclip.data.sources.captions import read_captions
from fusionmedclip.data.sources.chexpert import PATHOLOGIES
from fusionmedclip.data.sources.manifest import COLUMNS, read_manifest
from fusionmedclip.data.sources.registry import list_source
from fusionmedclip.documents import read_json
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

ROOT = Path(__file__).resolve().parents[2]
TEXT = (
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xe9", b"\x00", "\u2028".encode(), "\x85".encode(), b"\r\n", b"\r", b'"',
    b"\n\n", b"a" * 5000,
)  # fmt: skip
TABLE = (*TEXT, b",", b";", b"\t", b'","', b"\n,,,,,\n")
YAML = (
    *TEXT, b"[" * 1500, b"{" * 1500, b"- " * 400, b": ", b"&a [*a, *a]", b"*a", b"<<: ", b"? ", b"---\n",
    b"no", b"!!python/object:os.system ls", b"1:30", b".nan", b"%YAML 9.9\n", b"\t",
)  # fmt: skip
JSON = (
    *TEXT,
    b"[" * 5000,
    b'{"a":' * 1500,
    b"NaN",
    b"1e999",
    b"-",
    b"\\u",
    b"\\ud800",
    b"null",
    b"[]",
    b"{}",
    b",",
)


def _written(name: str, content: str):
    def write(folder: Path) -> list[Path]:
        (folder / name).write_text(content, encoding="utf-8")
        return [folder / name]

    return write


def _captions(folder: Path) -> list[Path]:
    place = folder / "train" / "radiology"
    place.mkdir(parents=True)
    (place / "captions.txt").write_text("R1\tChest CT.\nR2\tA nodule, marked.\n", encoding="utf-8")
    (folder / "captions.csv").write_text('image,caption,split\n1.png,"CT, chest",train\n2.png,MRI,test\n')
    return [folder / "captions.csv", place / "captions.txt"]


def _read_captions(file: Path, _: Path) -> None:
    kind, path = ("csv", file) if file.suffix == ".csv" else ("roco", file.parents[2])
    read_captions({"kind": kind, "path": str(path), "check": "none"})


def _chexpert() -> str:
    columns = ["Path", "Frontal/Lateral", "No Finding", *PATHOLOGIES, "Support Devices"]
    rows = []
    for number, (view, label) in enumerate([("Frontal", "1.0,"), ("Frontal", ",1.0"), ("Lateral", "1.0,")]):
        file = f"CheXpert-v1.0-small/train/patient0000{number}/study1/view1_{view.lower()}.jpg"
        rows.append(",".join([file, view, label, *[""] * (len(PATHOLOGIES) - 1), ""]))
    return "\n".join([",".join(columns), *rows]) + "\n"


def _write_chexpert(folder: Path) -> list[Path]:
    """The table, and images by the names in it: one that names none is refused."""
    (folder / "train.csv").write_text(_chexpert(), encoding="utf-8")
    for line in _chexpert().splitlines()[1:]:
        image = folder / line.split(",")[0].partition("/")[2]
        image.parent.mkdir(parents=True)
        image.touch()
    return [folder / "train.csv"]


def _read_chexpert(file: Path, _: Path) -> None:
    list_source({"kind": "chexpert", "path": str(file.parent), "normal": 1, "abnormal": 1})


def _samples(folder: Path) -> list[Path]:
    (folder / "lists").mkdir()
    files = []
    for part, name, label in (("train", "a", 0), ("test", "b", 1)):
        (folder / f"{name}s").mkdir()
        (folder / f"{name}s" / f"{name}.png").write_bytes(name.encode())
        files.append(folder / "lists" / f"{part}.json")
        line = {"filename": f"{name}s/{name}.png", "label": label, "mask": ""}
        files[-1].write_text(json.dumps(line) + "\n")
    return files


def _read_samples(file: Path, _: Path) -> None:
    lists = {"support": "lists/train.json", "test": "lists/test.json", "images": "."}
    folders = {"path": str(file.parents[1]), "normal": ["as"], "abnormal": ["bs"]}
    list_source({"kind": "folder", **folders, "samples": lists})


_CURATION = {
    "schema_version": 1, "dataset": "toy", "summary": {"images": 2, "classes": {"ill": {"label": 1}}},
    "findings": [{"kind": "shortcut", "message": "m", "hint": "h", "images": ["a.png"]}],
    "shortcuts": [{"auroc": 0.5}],
}  # fmt: skip
_IMAGES = "path,label,mask,group,split,class\na.png,0,,p1,train,normal\nb.png,1,m.png,p2,test,ill\n"
_ROWS = [f"{name}.png,{name}.png,{'ab' * 32},{label},no,,," for label, name in enumerate("ab")]
_MANIFEST = "\n".join([",".join(COLUMNS), *_ROWS]) + "\n"

TARGETS = (
    Target(
        name="configuration",
        write=_written("config.yaml", (ROOT / "config.yaml").read_text()),
        read=lambda file, _: load_config(file),
        tokens=YAML,
    ),
    Target(
        name="table of images",
        write=_written("list.csv", _IMAGES),
        read=lambda file, _: list_source({"kind": "csv", "path": str(file)}),
        tokens=TABLE,
    ),
    Target(
        name="manifest",
        write=_written("manifest.csv", _MANIFEST),
        read=lambda f, _: read_manifest(f),
        tokens=TABLE,
    ),
    Target(name="CheXpert's table", write=_write_chexpert, read=_read_chexpert, tokens=TABLE),
    Target(name="published split", write=_samples, read=_read_samples, tokens=JSON),
    Target(name="captions", write=_captions, read=_read_captions, tokens=TABLE),
    Target(
        name="JSON",
        write=_written("curation.json", json.dumps(_CURATION, indent=1)),
        read=lambda file, _: (read_json(file), read_curation(file)),
        tokens=JSON,
    ),
)
