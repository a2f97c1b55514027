"""Archives, and a web server on this machine that can break off."""

import io
import re
import stat
import tarfile
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from fusionmedclip.randomness import generator

CONTENT = generator(0, "test download").bytes(300_000)


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.content``, with ranges, and breaks off as often as ``server.breaks`` says."""

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if server.status != 200:
            self.send_error(server.status)
            return
        content, start = server.contents.get(self.path.split("?")[0], server.content), 0
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if match and self.headers.get("If-Range") == server.etag:
            start = int(match[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        end = len(content)
        if server.breaks > 0:
            server.breaks -= 1
            end = start + (len(content) - start) // 2
        self.wfile.write(content[start:end])
        self.close_connection = True

    def log_message(self, *args) -> None:
        """Silence."""


Files = dict[str, bytes] | list[tuple[str, bytes]]


def zip_of(path: Path, files: Files, links: tuple[str, ...] = ()) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(zipfile.ZipInfo(name), content)
        for name in links:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    return path


def tar_of(path: Path, files: Files, **special: int) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind in special.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return path


GOOD = {"Set/no/a.png": b"a" * 10, "Set/yes/b.png": b"b" * 20, "readme.txt": b"r", "__MACOSX/Set/._a": b"x"}
