"""The bytes of a request are those that `http.client` would send."""

from __future__ import annotations

import http.client
import traceback
from typing import Any

import pytest

from support.raw_server import Keep, RawServer
from support.raw_server import http as response
from vendo._protocol.steps import Request
from vendo._transports.blocking import BlockingTransport
from vendo._transports.connection import _message
from vendo.errors import UpstreamError

HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Authorization": "Bearer k"}


def request(
    method: str = "GET",
    url: str = "https://vendo.example/gmail",
    body: bytes | None = None,
    **more: str,
) -> Request:
    return Request(method, url, {**HEADERS, **more}, body, 10.0, 1000)


class Recorder(http.client.HTTPSConnection):
    sent = b""

    def send(self, data: Any) -> None:
        self.sent += data


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [None, b"", b'{"a": 1}'])
@pytest.mark.parametrize(
    ("host", "port", "target"),
    [
        ("vendo.example", 443, "/gmail"),
        ("vendo.example", 8443, "/_bulk?slugs=a,b%2Fc"),
        ("127.0.0.1", 443, "/"),
        ("[::1]", 443, "/a?b=c&d"),
        ("[::1]", 80, "//a//b"),
    ],
)
def test_a_request_is_what_http_client_would_send(
    host: str, port: int, target: str, method: str, body: bytes | None
) -> None:
    recorder = Recorder(host.strip("[]"), port)
    recorder.request(method, target, body, HEADERS)

    sent = _message(request(method, f"https://{host}:{port}{target}", body))

    assert sent == recorder.sent


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost/x", b"localhost"),
        ("http://localhost:443/x", b"localhost:443"),
        ("https://localhost:80/x", b"localhost:80"),
        ("https://Vendo.Example/x", b"vendo.example"),
    ],
)
def test_host_header_has_the_port_unless_it_is_the_default(url: str, host: bytes) -> None:
    lines = _message(request(url=url)).split(b"\r\n")
    assert [line for line in lines if line.startswith(b"Host:")] == [b"Host: " + host]


@pytest.mark.parametrize(
    "value", ["a\r\nX-Other: b", "a\nb", "a\rb", "\r\n", "a\r\n b", "a\r\n\r\nGET / HTTP/1.1"]
)
def test_a_header_with_a_line_break_is_never_sent(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        _message(request(canary=value))
    with pytest.raises(ValueError, match="line break"):
        _message(Request("GET", "https://vendo.example/", {value: "canary"}, None, 10.0, 1000))


def test_accept_encoding_is_identity_by_default() -> None:
    said = Request("POST", "https://vendo.example/hook", {"User-Agent": "x"}, b"{}", 10.0, 1000)
    recorder = Recorder("vendo.example", 443)
    recorder.request("POST", "/hook", b"{}", {"User-Agent": "x"})

    assert b"Accept-Encoding: identity\r\n" in _message(said)
    assert _message(said) == recorder.sent


@pytest.mark.parametrize("value", ["canary\r\nX-Other: b", "canary \N{SNOWMAN}"])
def test_invalid_header_value_is_one_typed_error_without_the_value(value: str) -> None:
    with RawServer(Keep(response(b"{}"))) as server:
        transport = BlockingTransport()
        assert transport.send(request(url=server.url)).status == 200
        with pytest.raises(UpstreamError, match=r"ValueError|UnicodeEncodeError") as caught:
            transport.send(request(url=server.url, Authorization=value))
        transport.close()

        assert len(server.requests) == 1
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("target", ["/a b", "/a\x7fb", "/\N{SNOWMAN}"])
def test_invalid_request_target_is_never_sent(target: str) -> None:
    with pytest.raises((http.client.InvalidURL, ValueError)):
        _message(request(url=f"https://vendo.example{target}"))
