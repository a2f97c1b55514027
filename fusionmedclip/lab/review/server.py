"""The review's server: this machine only, a secret in every address, files that the prediction names."""

import hmac
import json
import secrets
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from fusionmedclip.errors import InputError
from fusionmedclip.guard import reason
from fusionmedclip.lab.review.answers import Answer, Review

__all__ = ["ReviewServer", "open_review"]

HOST = "127.0.0.1"
_LONGEST = 10_000  # bytes of a request
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass
class ReviewServer:
    """A review that waits for a browser.

    Attributes
    ----------
    server : ThreadingHTTPServer
    review : Review
    token : str
        Other accounts of this machine reach the port as well; they do not know the token.
    """

    server: ThreadingHTTPServer
    review: Review
    token: str = field(repr=False)

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        return f"http://{HOST}:{self.server.server_port}/{self.token}/"


def open_review(folder: Path, *, port: int = 0) -> ReviewServer:
    """Make a server over a prediction's folder; nothing is answered before ``server.serve_forever()``.

    Parameters
    ----------
    folder : Path
    port : int
        0 takes a free one.

    Raises
    ------
    InputError
        If the folder holds no prediction or a broken review, or the port is taken.
    """
    review, token = Review(folder), secrets.token_urlsafe(24)
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, review, token))
    except (OSError, OverflowError) as error:
        hint = "leave out --port, and a free one is taken"
        raise InputError(f"port {port} cannot be used ({reason(error)})", hint=hint) from error
    return ReviewServer(server, review, token)


class _Handler(BaseHTTPRequestHandler):
    timeout = 60  # seconds, for a client that says nothing

    def __init__(self, review: Review, token: str, *arguments):
        self.review, self.token = review, token
        super().__init__(*arguments)

    def version_string(self) -> str:
        return "review"

    def log_message(self, *_) -> None:
        """Nothing: addresses hold the token."""

    def do_GET(self) -> None:
        place = self._place()
        if place is not None:
            self._send(self.review.get(place))

    def do_POST(self) -> None:
        place = self._place()
        if place is None:
            return
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{self.headers.get('Host')}":
            return self._refuse(HTTPStatus.FORBIDDEN, "asked for by another page")
        if self.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            return self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "JSON only")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= _LONGEST):
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {_LONGEST} bytes")
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return self._refuse(HTTPStatus.BAD_REQUEST, "not JSON")
        self._send(self.review.post(place, asked))

    def _place(self) -> str | None:
        """What is asked for, behind the token; None where the request was refused.

        A page of another site may lead its own name here (DNS rebinding): the Host header then has that name.
        """
        port = cast(ThreadingHTTPServer, self.server).server_port
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            self._refuse(HTTPStatus.FORBIDDEN, "this machine only")
            return None
        _, _, asked = self.path.partition("?")[0].partition("/")
        token, _, place = asked.partition("/")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND, "nothing here; take the whole address that was printed")
            return None
        return place

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # what it still sends is not read
        self._send(Answer.text(why, status=status))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {**_HEADERS, "Content-Type": answer.kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
