"""The bytes of a request."""

from __future__ import annotations

import traceback

import pytest

from support.raw_server import Keep, RawServer
from support.raw_server import http as response
from vendo._protocol.steps import Request
from vendo._transports.blocking import BlockingTransport
from vendo.errors import UpstreamError

HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Authorization": "Bearer k"}


def request(url: str, method: str = "GET", body: bytes | None = None, **more: str) -> Request:
    return Request(method, url, {**HEADERS, **more}, body, 10.0, 1000)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [None, b"", b'{"a": 1}'])
@pytest.mark.parametrize("target", ["/gmail", "/_bulk?slugs=a,b%2Fc", "/", "/a?b=c&d", "//a//b"])
def test_method_target_and_headers_are_sent_as_they_are(
    target: str, method: str, body: bytes | None
) -> None:
    with RawServer(response(b"{}")) as server:
        BlockingTransport().send(request(f"{server.url}{target}", method, body))
        host = server.url.removeprefix("http://")

    head, _, _ = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = [line.split(": ") for line in lines]
    assert first == f"{method} {target} HTTP/1.1"
    expected = {**HEADERS, "Host": host}
    if body is not None or method in {"POST", "PUT"}:
        expected["Content-Length"] = str(len(body or b""))
    assert dict(fields) == expected
    assert len(fields) == len(expected)


@pytest.mark.parametrize(
    "value", ["a\r\nX-Other: b", "a\nb", "a\rb", "\r\n", "a\r\n\r\nGET / HTTP/1.1"]
)
@pytest.mark.parametrize("place", ["name", "value"])
def test_header_with_a_line_break_is_never_sent(value: str, place: str) -> None:
    more = {value: "canary"} if place == "name" else {"X-Canary": value}
    with RawServer(response(b"{}")) as server:
        sent = Request("GET", server.url, {**HEADERS, **more}, None, 10.0, 1000)
        with pytest.raises(UpstreamError, match="ValueError"):
            BlockingTransport().send(sent)

        assert server.requests == []


@pytest.mark.parametrize("value", ["canary\r\nX-Other: b", "canary \N{SNOWMAN}"])
def test_invalid_header_value_is_one_typed_error_without_the_value(value: str) -> None:
    with RawServer(Keep(response(b"{}"))) as server:
        transport = BlockingTransport()
        assert transport.send(request(server.url)).status == 200
        with pytest.raises(UpstreamError, match=r"ValueError|UnicodeEncodeError") as caught:
            transport.send(request(server.url, Authorization=value))
        transport.close()

        assert len(server.requests) == 1
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("target", ["/a b", "/a\x7fb", "/\N{SNOWMAN}"])
def test_invalid_request_target_is_never_sent(target: str) -> None:
    with RawServer(response(b"{}")) as server:
        with pytest.raises(UpstreamError):
            BlockingTransport().send(request(f"{server.url}{target}"))

        assert server.requests == []
