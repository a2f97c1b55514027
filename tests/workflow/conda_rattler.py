"""What Snakemake asks of conda, done by py-rattler: ``conda_rattler.py CHANNEL WORDS...`` of conda.

Environments are solved from a channel of our own and linked, and what a file asks of pip is installed into
them, with its hashes. What the channel has of Python is a link to the interpreter that made the channel, with
site-packages of its own.
"""

import asyncio
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import rattler
import yaml
from rattler.index import index_fs

SUBDIR = "linux-64"


def make_channel(folder: Path) -> None:
    """A channel of Python, of this version, and of a pip without files."""
    base = Path(sys._base_executable).resolve()
    version = platform.python_version()
    (folder / SUBDIR).mkdir(parents=True)
    lines = f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    links = {"bin/python": str(base), "bin/python3": "python"}
    package(folder, "python", version, files={"pyvenv.cfg": lines}, links=links)
    package(folder, "pip", "1.0", files={}, links={})
    asyncio.run(index_fs(folder))


def package(folder: Path, name: str, version: str, *, files: dict[str, str], links: dict[str, str]) -> None:
    """A package of conda: its files, and which they are."""
    record = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": [],
        "subdir": SUBDIR,
    }
    kinds = {**dict.fromkeys(files, "hardlink"), **dict.fromkeys(links, "softlink")}
    paths = [{"_path": path, "path_type": kind} for path, kind in kinds.items()]
    said = {
        "info/index.json": json.dumps(record),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}),
        "info/files": "".join(f"{path}\n" for path in kinds),
    }
    with tarfile.open(folder / SUBDIR / f"{name}-{version}-0.tar.bz2", "w:bz2") as archive:
        for path, text in {**said, **files}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
        for path, target in links.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)


async def link(channel: Path, specs: list[str], prefix: Path) -> None:
    records = await rattler.solve(sources=[channel.as_uri()], specs=specs, platforms=[SUBDIR])
    await rattler.install(
        records, target_prefix=prefix, cache_dir=channel.parent / "packages", show_progress=False
    )


def create(channel: Path, file: Path, prefix: Path) -> None:
    """An environment of a file."""
    asked = yaml.safe_load(file.read_text())["dependencies"]
    asyncio.run(link(channel, [spec for spec in asked if isinstance(spec, str)], prefix))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("\n".join(line for spec in asked if isinstance(spec, dict) for line in spec["pip"]))
        wanted.flush()
        command = [os.path.join(sys.prefix, "bin/uv"), "pip", "install", "--quiet", "--require-hashes"]
        command += ["--python", prefix / "bin/python", "-r", wanted.name]
        subprocess.run([*map(str, command)], check=True)


def main(channel: Path, words: list[str]) -> None:
    if words[0] == "info":
        print(json.dumps({"conda_prefix": str(channel.parent), "platform": SUBDIR}))
    elif words[0] == "--version":
        print("conda 25.1.0")
    elif words[0] == "config":
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif words[:2] == ["env", "create"]:
        file, prefix = (Path(words[words.index(name) + 1]) for name in ("--file", "--prefix"))
        create(channel, file, prefix)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
