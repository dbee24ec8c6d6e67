"""httpx and httpx2 over HTTP/2: the server gets the token, and no log has it."""

from __future__ import annotations

import importlib
import logging
import socket
from typing import TYPE_CHECKING

import h2.connection
import h2.events
import pytest
from h2.config import H2Configuration

import vendo
from support.raw_server import RawServer

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "canary-token-71f3"


class Http2Server(RawServer):
    """Responds to each request over HTTP/2 with 200, and keeps its headers."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.heads: list[dict[str, str]] = []

    def _converse(self, sock: socket.socket, _number: int) -> None:
        connection = h2.connection.H2Connection(
            H2Configuration(client_side=False, header_encoding="ascii")
        )
        connection.initiate_connection()
        sock.sendall(connection.data_to_send())
        while data := sock.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    head = {str(name): str(value) for name, value in event.headers or ()}
                    self.heads.append(head)
                    headers = [(":status", "200"), ("content-length", "0")]
                    connection.send_headers(event.stream_id or 0, headers, end_stream=True)
            sock.sendall(connection.data_to_send())


@pytest.fixture
def server() -> Iterator[Http2Server]:
    with Http2Server() as server:
        yield server


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
@pytest.mark.parametrize(
    ("slug", "header", "expected"),
    [
        ("gmail", "authorization", f"Bearer {TOKEN}"),
        ("anthropic", "x-api-key", TOKEN),
        ("mailchimp", "authorization", "Basic YW55c3RyaW5nOmNhbmFyeS10b2tlbi03MWYz"),
        ("telegram", ":path", f"/bot{TOKEN}/x?a=1"),
    ],
)
def test_the_server_gets_the_token_and_no_log_has_it(
    name: str,
    slug: str,
    header: str,
    expected: str,
    server: Http2Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", server.url)
    library = importlib.import_module(name)
    auth = vendo.Vendo().httpx_auth(slug)
    with library.Client(auth=auth, http1=False, http2=True, timeout=20) as client:
        for _ in range(3):  # the second finds the header in hpack's table
            response = client.get(f"{server.url}/x?a=1")
            assert (response.status_code, response.http_version) == (200, "HTTP/2")

    assert [head[header] for head in server.heads] == [expected] * 3
    own = [record for record in caplog.records if record.name.startswith("hpack")]
    assert any(
        "x-api-key" in record.getMessage() or "path" in record.getMessage() for record in own
    )
    for record in caplog.records:
        assert TOKEN not in f"{record.getMessage()} {record.__dict__!r}"
