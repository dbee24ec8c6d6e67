"""Requests, responses and their headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.wire import Wire

Json: TypeAlias = Any

_WITHOUT_BODY = frozenset({204, 304})


class Headers(Mapping[str, str]):
    """Header fields by case-insensitive name. Several fields of one name are joined by commas."""

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
    """One complete request. `path` and `query` are as sent, percent-encoded."""

    method: str
    path: str = field(repr=False)  # may contain a credential, as Telegram's does
    query: str = field(repr=False)
    headers: Headers
    body: bytes = field(repr=False)
    keep_alive: bool

    def parameters(self) -> dict[str, str]:
        """Return the decoded query. The last value of a name wins."""
        return decoded_pairs(self.query)


@dataclass(slots=True)
class Response:
    """A response with a body, or with a `stream` that gets the head and writes until it ends."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: Callable[[Wire, bytes], None] | None = None

    def __post_init__(self) -> None:
        if self.status in _WITHOUT_BODY:
            self.body = b""

    def head(self, date: str, *, keep_alive: bool) -> bytes:
        """Return the status line and the headers, with the empty line that ends them."""
        lines = [f"HTTP/1.1 {self.status} {reason_of(self.status)}", f"Date: {date}"]
        lines += [f"{name}: {_one_line(value)}" for name, value in self.headers.items()]
        if self.stream is not None:
            lines.append("Transfer-Encoding: chunked")
        elif self.status not in _WITHOUT_BODY:
            lines.append(f"Content-Length: {len(self.body)}")
        if not keep_alive:
            lines.append("Connection: close")
        lines += ["", ""]
        return "\r\n".join(lines).encode("latin-1", "replace")


def json_response(value: Json, status: int = 200, **headers: str) -> Response:
    """Return a JSON response. `Retry_After="3"` becomes the header `Retry-After: 3`."""
    fields = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    fields |= {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, json.dumps(value, separators=(",", ":")).encode(), fields)


def decoded_pairs(text: str) -> dict[str, str]:
    """Decode a query or a form. The last value of a name wins."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {_decoded(name): _decoded(value) for name, _, value in pairs}


def _decoded(text: str) -> str:
    return unquote(text.replace("+", " "))


def reason_of(status: int) -> str:
    """Return the phrase for a status, such as `Not Found`."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _one_line(value: str) -> str:
    return "".join(character for character in value if character not in "\r\n\0")
