"""Read the requests of a connection with the standard library's `http.server`.

The checks here are those that `http.server` does not make: it accepts HTTP/0.9,
methods in lower case, header lines without a colon, and the end of the stream as the end of the
headers. It does not read bodies.
"""

from __future__ import annotations

import re
from email import errors
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from vendo.testing._http.messages import Headers, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from io import BufferedIOBase
    from typing import Never, Protocol

    class Service(Protocol):
        """Handle what a connection sends."""

        def respond(self, sock: socket.socket, request: Request) -> bool:
            """Send the response to a request. Return True to keep the connection open."""

        def reject(self, sock: socket.socket, error: BadRequest) -> None:
            """Send the response to a request that cannot be read."""


MAX_BODY = 32 * 1024 * 1024
MAX_LINE = 64 * 1024

#: Not the defects of a multipart body: `http.server` parses headers like those of a mail.
_MALFORMED = (
    errors.FirstHeaderLineIsContinuationDefect,
    errors.InvalidHeaderDefect,
    errors.MissingHeaderBodySeparatorDefect,
)
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) (\S+)")
_TOO_LARGE = f"The request body is larger than {MAX_BODY} bytes."


class BadRequest(Exception):
    """The request is malformed or too large: respond with `status` and close the connection."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Handler(BaseHTTPRequestHandler):
    """Read the requests of one connection and hand each to the service."""

    protocol_version = default_request_version = "HTTP/1.1"

    def __init__(self, sock: socket.socket, service: Service) -> None:
        self._service = service
        super().__init__(sock, None, None)  # type: ignore[arg-type]  # only its log reads these

    def setup(self) -> None:
        """Open the connection's streams."""
        super().setup()
        self.rfile = _Lines(self.rfile)  # type: ignore[assignment]  # what `http.server` calls

    def handle_one_request(self) -> None:
        """Read a request and hand it to the service."""
        self.close_connection = True
        try:
            request = self._read_request()
        except BadRequest as error:
            self._service.reject(self.connection, error)
        else:
            self.close_connection = not self._service.respond(self.connection, request)

    def send_error(self, code: int, message: str | None = None, *_: object) -> Never:
        """Reject a request that `parse_request` cannot read."""
        raise BadRequest(code, f"{message or HTTPStatus(code).phrase}.")

    def handle_expect_100(self) -> bool:
        """Send no `100 Continue` yet: first the length of the body is checked."""
        return True

    def _read_request(self) -> Request:
        line = self.rfile.readline(MAX_LINE + 1)
        if not line.strip():  # some clients end a body with a line too many
            line = self.rfile.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise BadRequest(414, "The request line is too long.")
        match = _REQUEST_LINE.fullmatch(line.decode("latin-1").rstrip("\r\n"))
        if match is None:
            raise BadRequest(400, "The request line is malformed.")
        method, target, version = match.groups()
        if version not in {"HTTP/1.1", "HTTP/1.0"}:
            raise BadRequest(505, "The server supports HTTP/1.1 only.")
        self.raw_requestline = line
        self.parse_request()
        if any(isinstance(defect, _MALFORMED) for defect in self.headers.defects):
            raise BadRequest(400, "The headers are malformed.")
        headers = Headers([(name, value.strip()) for name, value in self.headers.items()])
        if version == "HTTP/1.1" and "host" not in headers:
            raise BadRequest(400, "The request has no Host header.")
        options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
        keep_alive = version == "HTTP/1.1" and "close" not in options
        # Not `self.path`: there `//` has become `/`.
        return Request(method, *_split(target), headers, self._read_body(headers), keep_alive)

    def _read_body(self, headers: Headers) -> bytes:
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if coding is None and length is None:
            return b""
        if coding is not None and (coding.lower() != "chunked" or length is not None):
            raise BadRequest(400, "The length of the request body is ambiguous.")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise BadRequest(400, "The Content-Length is not a number.")
        if length is not None and (len(length) > 18 or int(length) > MAX_BODY):
            raise BadRequest(413, _TOO_LARGE)
        if headers.get("expect", "").lower() == "100-continue":
            super().handle_expect_100()
        return self._read_chunks() if length is None else self.rfile.read(int(length))

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        room = MAX_BODY
        while True:
            try:
                size = int(self.rfile.readline(MAX_LINE).partition(b";")[0], 16)
            except ValueError:
                raise BadRequest(400, "A chunk size is not a number.") from None
            if not 0 <= size <= room:
                raise BadRequest(413, _TOO_LARGE)
            if size == 0:
                while self.rfile.readline(MAX_LINE).strip():  # trailers
                    pass
                return b"".join(chunks)
            chunks.append(self.rfile.read(size))
            self.rfile.readline(MAX_LINE)
            room -= size


class _Lines:
    """A stream that raises `ConnectionError` where it ends before a line or a body does."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self.close = stream.close

    def readline(self, limit: int) -> bytes:
        line = self._stream.readline(limit)
        if len(line) < limit and not line.endswith(b"\n"):
            raise ConnectionAbortedError("The client has closed the connection.")
        return line

    def read(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) < length:
            raise ConnectionAbortedError("The client has closed the connection.")
        return data


def _split(target: str) -> tuple[str, str]:
    """Return path and query of a request target."""
    if not target.startswith("/") and target != "*":
        try:  # the absolute form, as it is sent to a proxy
            parts = urlsplit(target)
        except ValueError:
            raise BadRequest(400, "The request target is malformed.") from None
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise BadRequest(400, "The request target is malformed.")
        return parts.path or "/", parts.query
    path, _, query = target.partition("?")
    return path, query
