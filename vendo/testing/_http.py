"""HTTP/1.1 as the local server needs it: a request read off a stream, an answer as bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from vendo.testing._wire import Wire

Json: TypeAlias = Any

MAX_BODY = 32 * 1024 * 1024
MAX_LINE = 64 * 1024
MAX_HEADERS = 200


class BadRequest(Exception):
    """What came in is no request that can be answered; the connection ends with `status`."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem


class Headers(Mapping[str, str]):
    """Header fields by name in whatever case; several of one name are joined by commas."""

    __slots__ = ("_fields",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._fields: dict[str, tuple[str, str]] = {}
        for name, value in pairs:
            before = self._fields.get(name.lower())
            self._fields[name.lower()] = (name, f"{before[1]}, {value}" if before else value)

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self)}>"  # values may be credentials


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read to its end. `path` and `query` are as they were sent, percent-encoded."""

    method: str
    path: str = field(repr=False)  # may hold a credential, as Telegram's does
    query: str = field(repr=False)
    headers: Headers
    body: bytes = field(repr=False)
    keep_alive: bool

    def parameters(self) -> dict[str, str]:
        """The decoded query; the last value of a name wins."""
        return decoded_pairs(self.query)


@dataclass(slots=True)
class Response:
    """An answer: a body, or a `stream` that is handed the head and writes as long as it likes."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: Callable[[Wire, bytes], None] | None = None

    def __post_init__(self) -> None:
        if self.status in {204, 304}:
            self.body = b""

    def head(self, date: str, *, keep_alive: bool) -> bytes:
        """Status line and headers, with the empty line that ends them."""
        lines = [f"HTTP/1.1 {self.status} {_reason(self.status)}", f"Date: {date}"]
        lines += [f"{name}: {_one_line(value)}" for name, value in self.headers.items()]
        if self.stream is not None:
            lines.append("Transfer-Encoding: chunked")
        elif self.status not in {204, 304}:
            lines.append(f"Content-Length: {len(self.body)}")
        if not keep_alive:
            lines.append("Connection: close")
        lines += ["", ""]
        return "\r\n".join(lines).encode("latin-1", "replace")


def json_response(value: Json, status: int = 200, **headers: str) -> Response:
    """An answer in JSON; `Retry_After="3"` is the header `Retry-After: 3`."""
    fields = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    fields |= {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, json.dumps(value, separators=(",", ":")).encode(), fields)


def read_request(stream: BinaryIO, send_continue: Callable[[], None]) -> Request | None:
    """The next request, or None where the client has closed the connection.

    Raises:
        BadRequest: malformed or too large.
    """
    line = _read_line(stream, 414)
    if line == "":
        line = _read_line(stream, 414)  # some clients end a body with a line too many
    if line is None:
        return None
    method, target, version = _request_line(line)
    headers = _read_headers(stream)
    if headers is None:
        return None
    if version == "HTTP/1.1" and "host" not in headers:
        raise BadRequest(400, "The request has no Host header.")
    body = _read_body(stream, headers, send_continue)
    if body is None:
        return None
    path, query = _split_target(target)
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    keep_alive = version == "HTTP/1.1" and "close" not in options
    return Request(method, path, query, headers, body, keep_alive)


def decoded_pairs(text: str) -> dict[str, str]:
    """A query or a form as a dict; the last value of a name wins."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {decoded(name): decoded(value) for name, _, value in pairs}


def decoded(text: str) -> str:
    """Percent-encoding and `+` undone."""
    return unquote(text.replace("+", " "))


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[0].isalpha() or not parts[0].isupper():
        raise BadRequest(400, "The request line is malformed.")
    method, target, version = parts
    if version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise BadRequest(505, "This server speaks HTTP/1.1.")
    return method, target, version


def _split_target(target: str) -> tuple[str, str]:
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


def _read_line(stream: BinaryIO, too_long: int) -> str | None:
    line = stream.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise BadRequest(too_long, "A line of the request is too long.")
    if not line.endswith(b"\n"):
        return None
    return line.rstrip(b"\r\n").decode("latin-1")


def _read_headers(stream: BinaryIO) -> Headers | None:
    pairs: list[tuple[str, str]] = []
    while True:
        line = _read_line(stream, 431)
        if line is None:
            return None
        if not line:
            return Headers(pairs)
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or len(pairs) == MAX_HEADERS:
            status = 431 if len(pairs) == MAX_HEADERS else 400
            raise BadRequest(status, "The headers are malformed or too many.")
        pairs.append((name, value.strip()))


def _read_body(
    stream: BinaryIO, headers: Headers, send_continue: Callable[[], None]
) -> bytes | None:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is None and length is None:
        return b""
    if coding is not None and (coding.lower() != "chunked" or length is not None):
        raise BadRequest(400, "The request's length is ambiguous.")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise BadRequest(400, "The Content-Length is no number.")
    if length is not None and (len(length) > 18 or int(length) > MAX_BODY):
        raise BadRequest(413, f"A request's body is at most {MAX_BODY} bytes here.")
    if headers.get("expect", "").lower() == "100-continue":
        send_continue()
    return _read_chunks(stream) if length is None else _read_exactly(stream, int(length))


def _read_exactly(stream: BinaryIO, length: int) -> bytes | None:
    body = stream.read(length)
    return body if len(body) == length else None


def _read_chunks(stream: BinaryIO) -> bytes | None:
    chunks: list[bytes] = []
    room = MAX_BODY
    while True:
        line = _read_line(stream, 400)
        if line is None:
            return None
        try:
            size = int(line.partition(";")[0], 16)
        except ValueError:
            raise BadRequest(400, "A chunk's size is no number.") from None
        if not 0 <= size <= room:
            raise BadRequest(413, f"A request's body is at most {MAX_BODY} bytes here.")
        if size == 0:
            return b"".join(chunks) if _read_headers(stream) is not None else None
        chunk = _read_exactly(stream, size)
        if chunk is None or _read_line(stream, 400) is None:
            return None
        chunks.append(chunk)
        room -= size


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _one_line(value: str) -> str:
    return "".join(character for character in value if character not in "\r\n\0")
