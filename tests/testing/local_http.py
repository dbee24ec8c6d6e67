"""HTTP clients for these tests: the standard library's, which follows no redirects, and plain
sockets for malformed requests."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from vendo.testing import LocalVendo

TIMEOUT = 10.0


@dataclass(frozen=True)
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str | None:
        return self.headers["Vendo-Error-Code"]


class KeptConnection:
    """A connection for several requests."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.connection: http.client.HTTPConnection
        if context is None:
            self.connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=TIMEOUT
            )
        else:
            self.connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=TIMEOUT, context=context
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()

    def send(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> Response:
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.connection.request(method, path, body=body, headers=dict(headers or {}))
        with self.connection.getresponse() as response:
            return Response(response.status, response.headers, response.read())


def send(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
) -> Response:
    """Send a request over a new connection."""
    with KeptConnection(url) as kept:
        return kept.send(url, method, headers, body)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def with_key(server: LocalVendo, path: str, **headers: str) -> Response:
    """Send a GET with the app key. `path` is below the origin."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(server.url + path, headers={**bearer(server.api_key), **named})


def execute(server: LocalVendo, call: Any, **headers: str) -> Response:
    """Call the data proxy with the app key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = call if isinstance(call, bytes) else json.dumps(call)
    url = f"{server.data_proxy_url}/v1/execute"
    return send(url, "POST", {**bearer(server.api_key), **named}, body)


def raw(server: LocalVendo, *pieces: bytes) -> bytes:
    """Send bytes unchanged, and read until the server closes the connection."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), TIMEOUT) as sock:
        for piece in pieces:
            sock.sendall(piece)
        received = b""
        while data := sock.recv(65536):
            received += data
        return received


class EventReader:
    """An open event stream."""

    def __init__(self, server: LocalVendo, last_event_id: str | None = None) -> None:
        self._talk = KeptConnection(server.url)
        headers = {**bearer(server.api_key), "Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self._talk.connection.request("GET", "/api/deployments/me/events", headers=headers)
        self.response = self._talk.connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.response.close()
        self._talk.connection.close()

    def block(self) -> list[str]:
        """Return the lines up to the next blank one, or an empty list at the end of the stream."""
        lines = []
        while (line := self.response.readline().decode()) not in {"", "\n"}:
            lines.append(line.rstrip("\n"))
        return lines

    def events(self, n: int) -> list[tuple[str, dict[str, Any]]]:
        """Return the next `n` events as (name, data)."""
        found: list[tuple[str, dict[str, Any]]] = []
        while len(found) < n:
            lines = self.block()
            assert lines, "the stream ended"
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            if "data" in fields:
                data = json.loads(fields["data"])
                assert fields["id"] == data["id"]
                found.append((fields["event"], data))
        return found


@contextmanager
def in_thread(run: Callable[[], object]) -> Iterator[list[Any]]:
    """Run a function in a thread. Its result or exception is in the list at the end."""
    outcome: list[Any] = []

    def target() -> None:
        try:
            outcome.append(run())
        except Exception as error:  # noqa: BLE001  # the test checks it
            outcome.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    try:
        yield outcome
    finally:
        thread.join(TIMEOUT)
    assert not thread.is_alive()
