"""Configurations and tables, as the fuzz test reads them."""

from pathlib import Path

from fuzz_target import Target

from fusionmedclip.config import load_config
from fusionmedclip.data.csv_source import list_csv

__all__ = ["TARGETS"]

ROOT = Path(__file__).resolve().parents[2]
_TEXT = (
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xe9",
    b"\x00",
    "\u2028".encode(),
    "\x85".encode(),
    b"\r\n",
    b"\r",
    b'"',
    b";",
    b"\t",
)
_YAML = (
    *_TEXT,
    b"[" * 1500,
    b"{" * 1500,
    b"- " * 400,
    b": ",
    b"&a [*a, *a]",
    b"*a",
    b"!!python/object:os.system ls",
    b"<<: ",
    b"? ",
    b"---\n",
    b"no",
    b"1:30",
    b".nan",
    b"%YAML 9.9\n",
)


def _configuration(folder: Path) -> list[Path]:
    file = folder / "config.yaml"
    file.write_bytes((ROOT / "config.yaml").read_bytes())
    return [file]


def _list(folder: Path) -> list[Path]:
    for name in ("a.png", "b.png", "m.png"):
        (folder / name).write_bytes(b"no picture is opened here")
    file = folder / "list.csv"
    file.write_text(
        "path,label,mask,group,split,class\na.png,0,,p1,train,normal\nb.png,1,m.png,p2,test,ill\n"
    )
    return [file]


TARGETS = (
    Target(name="configuration", write=_configuration, read=lambda file, _: load_config(file), tokens=_YAML),
    Target(
        name="table of images",
        write=_list,
        read=lambda file, _: list_csv({"kind": "csv", "path": str(file)}),
        tokens=(*_TEXT, b",", b"\n\n"),
    ),
)
