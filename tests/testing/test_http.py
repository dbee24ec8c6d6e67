from __future__ import annotations

import hashlib
import json

import pytest

from testing.local_http import bearer, raw, send
from vendo.testing import LocalVendo

END = b"\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def status(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (b"GET / HTTP/1.1" + END, 200),
        (b"\r\nGET / HTTP/1.1" + END, 200),
        (b"GET / HTTP/1.1\nHost: localhost\nConnection: close\n\n", 200),
        (b"GET http://localhost/?x HTTP/1.1" + END, 200),
        (b"GET http://localhost HTTP/1.1" + END, 200),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x" + END, 200),
        (b"GET / HTTP/1.1\r\nContent-Type: multipart/form-data" + END, 200),
        (b"GET / HTTP/1.1\r\nContent-Type: message/rfc822" + END, 200),
        (b"OPTIONS * HTTP/1.1" + END, 404),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET  / HTTP/1.1" + END, 400),
        (b"get / HTTP/1.1" + END, 400),
        (b"GET / HTTP/2" + END, 505),
        (b"nonsense\r\n\r\n", 400),
        (b"GET nonsense HTTP/1.1" + END, 400),
        (b"GET http://[::1/ HTTP/1.1" + END, 400),
        (b"GET ftp://localhost/ HTTP/1.1" + END, 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nSpace : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: no name" + END, 400),
        (b"GET / HTTP/1.1\r\n continued" + END, 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1" + END, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + END, 431),
        (b"GET / HTTP/1.1" + b"\r\nX: x" * 201 + END, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: x" + END, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1" + END, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 5, 5" + END, 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999" + END, 413),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 400 + END, 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip" + END, 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1" + END, 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + END + b"x\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + END + b"-1\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + END + b"fffffffff\r\n", 413),
    ],
)
def test_malformed_requests_are_rejected(
    server: LocalVendo, request_bytes: bytes, expected: int
) -> None:
    response = raw(server, request_bytes)
    assert status(response) == expected
    assert b"\r\nDate: " in response
    head, _, body = response.partition(b"\r\n\r\n")
    if expected != 200:
        assert b"Content-Type: application/json" in head
        assert json.loads(body)["error"]["message"]


def test_client_that_leaves_early_is_ignored(server: LocalVendo) -> None:
    import socket
    from urllib.parse import urlsplit

    port = urlsplit(server.url).port or 0
    for start in (
        b"",
        b"GE",
        b"GET / HTTP/1.1\r\nHo",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab",
    ):
        with socket.create_connection(("127.0.0.1", port), 10) as sock:
            sock.sendall(start)
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(100) == b""
    assert server.requests == []


def test_chunked_body_is_joined(server: LocalVendo) -> None:
    response = raw(
        server,
        b"POST /nothing HTTP/1.1\r\nTransfer-Encoding: Chunked" + END,
        b"5;x=y\r\nhello\r\n",
        b"1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n",
    )
    assert status(response) == 404
    assert server.requests[0].body == b"hello world"


def test_pipelined_requests_get_responses_in_order(server: LocalVendo) -> None:
    first = b"GET /credentials/gmail HTTP/1.1\r\nHost: localhost\r\n\r\n"
    response = raw(server, first + b"GET /nothing HTTP/1.1" + END)
    assert response.count(b"HTTP/1.1 ") == 2
    assert [recorded.path for recorded in server.requests] == ["/credentials/gmail", "/nothing"]


def test_expect_header_gets_100_continue(server: LocalVendo) -> None:
    head = b"POST /nothing HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2" + END
    response = raw(server, head, b"ab")
    assert response.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 ")
    assert server.requests[0].body == b"ab"


def test_large_body_is_complete(server: LocalVendo) -> None:
    body = bytes(range(256)) * (1024 * 16)
    url = f"{server.provider_url('openai')}/echo"
    echoed = send(url, "POST", bearer(server.token("openai")), body).json
    assert (echoed["length"], echoed["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())


def test_recorded_requests_are_limited(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendo.testing._state.requests.MOST_REQUESTS", 3)
    for number in range(5):
        send(f"{server.url}/{number}")
    assert [recorded.path for recorded in server.requests] == ["/2", "/3", "/4"]
    monkeypatch.setattr("vendo.testing._state.requests._MOST_BYTES", 10)
    send(f"{server.url}/big", "POST", body=b"x" * 8)
    send(f"{server.url}/bigger", "POST", body=b"x" * 9)
    assert [recorded.path for recorded in server.requests] == ["/bigger"]


def test_headers_of_one_name_are_joined(server: LocalVendo) -> None:
    raw(server, b"GET / HTTP/1.1\r\nX-A: 1\r\nx-a: 2" + END)
    headers = server.requests[0].headers
    assert headers["X-A"] == "1, 2"
    assert len(headers) == 3
