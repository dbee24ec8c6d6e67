"""The claims of the page on security that need requests, aiohttp or httpx."""

from __future__ import annotations

import asyncio
import base64
import http.client
import importlib
import logging
import os
import socket
from typing import TYPE_CHECKING

import aiohttp
import pytest
import requests

import vendo
import vendo.aio
from canary.search import has_huffman
from support.raw_server import RawServer
from support.raw_server import http as raw
from support.servers import nowhere
from support.shown import chain_of, frames_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions.foreign import Foreign
    from vendo.testing import LocalVendo

TOKEN = "canary-token-71f3"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have a token for Gmail, and a Gmail at this address."""
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", TOKEN)
    return lambda url: monkeypatch.setenv("GMAIL_BASE_URL", url)


def with_requests(seconds: float, slug: str = "gmail") -> None:
    vendo.session(slug).get("/x", timeout=seconds)


def with_aiohttp(seconds: float, slug: str = "gmail") -> None:
    async def main() -> None:
        timeout = aiohttp.ClientTimeout(seconds)
        async with (
            await vendo.aio.session(slug) as session,
            session.get("/x", timeout=timeout) as response,
        ):
            await response.read()

    asyncio.run(main())


def with_httpx(name: str) -> Callable[..., None]:
    def call(seconds: float, slug: str = "gmail") -> None:
        library = importlib.import_module(name)
        auth = vendo.Vendo().httpx_auth(slug)
        with library.Client(
            auth=auth, base_url=os.environ[f"{slug.upper()}_BASE_URL"], timeout=seconds
        ) as client:
            client.get("/x")

    return call


CALLS: dict[str, Callable[..., None]] = {
    "requests": with_requests,
    "aiohttp": with_aiohttp,
    "httpx": with_httpx("httpx"),
    "httpx2": with_httpx("httpx2"),
}


def shows_token(error: BaseException) -> bool:
    return any(TOKEN in text for link in chain_of(error) for text in frames_of(link))


@pytest.mark.parametrize("name", CALLS)
def test_a_failed_request_of_a_session_shows_no_token_in_any_frame(
    name: str, provider: Callable[[str], None]
) -> None:
    def keep_silent(_sock: socket.socket) -> None:
        silent.ended.wait()

    with (
        RawServer(keep_silent) as silent,
        RawServer(b"") as cut,
        RawServer(b"HTTP/1.1 what\r\n\r\n") as malformed,
    ):
        for url in (silent.url, cut.url, malformed.url, nowhere()):
            provider(url)
            with pytest.raises(Exception) as caught:
                CALLS[name](0.3 if url == silent.url else 30)
            assert not shows_token(caught.value)


@pytest.mark.parametrize("slug", ["gmail", "anthropic", "mailchimp", "telegram"])
@pytest.mark.parametrize("name", [*CALLS, "httpx over HTTP/2", "httpx2 over HTTP/2"])
def test_no_http_library_under_a_session_logs_a_token(
    name: str,
    slug: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    library, _, is_http2 = name.partition(" over ")
    with RawServer(b"" if is_http2 else raw(b"{}")) as server:
        monkeypatch.setenv(f"{slug.upper()}_BASE_URL", server.url)
        if is_http2:
            http_2 = importlib.import_module(library)
            auth = vendo.Vendo().httpx_auth(slug)
            with (
                http_2.Client(auth=auth, http1=False, http2=True, timeout=10) as client,
                pytest.raises(http_2.HTTPError),
            ):
                client.get(f"{server.url}/x")
        else:
            CALLS[library](30, slug)

    assert [one for one in caplog.records if one.name.startswith("hpack")] or not is_http2
    form = base64.b64encode(f"anystring:{TOKEN}".encode()).decode()
    for record in caplog.records:
        shown = f"{record.getMessage()} {record.__dict__!r}"
        assert TOKEN not in shown
        assert form not in shown
        for value in record.args or ():
            assert not isinstance(value, bytes) or not has_huffman(value, TOKEN, form)


def test_auth_in_a_session_of_your_own_can_show_the_token_in_a_frame(
    provider: Callable[[str], None],
) -> None:
    provider("http://127.0.0.1:1")
    with requests.Session() as session:
        session.auth = vendo.Vendo().auth("gmail", hosts=["127.0.0.1"])
        with pytest.raises(requests.ConnectionError) as caught:
            session.get(nowhere(), timeout=10)
    assert shows_token(caught.value)


def test_the_debuglevel_of_http_client_prints_the_key_and_tokens(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with vendo.Vendo() as client:
        client.session("gmail").get("gmail/v1/users/me/profile")
    printed = capsys.readouterr().out
    assert server.api_key in printed
    assert server.token("gmail") in printed


def test_a_session_sends_its_token_to_the_providers_hosts_alone(
    server: LocalVendo, foreign: Foreign, client: vendo.Vendo
) -> None:
    session = client.session("gmail")
    for url in (foreign.url, "https://gmail.googleapis.com.example.net/", "https://example.org/"):
        with pytest.raises(vendo.ValidationError):
            session.get(url)
    assert foreign.connections == 0
    assert session.get("gmail/v1/users/me/profile").ok
    assert client.session("gmail", hosts=[foreign.url.removeprefix("http://")]).get(foreign.url).ok


def test_a_token_is_not_sent_over_plain_http_to_another_machine(client: vendo.Vendo) -> None:
    session = client.session("gmail", hosts=["mail.example.com"])
    for url in ("http://mail.example.com/", "http://gmail.googleapis.com/"):
        with pytest.raises(vendo.ValidationError, match="plain http"):
            session.get(url)


def test_a_redirect_to_another_host_goes_without_the_token(
    foreign: Foreign, provider: Callable[[str], None]
) -> None:
    provider(foreign.url)
    with RawServer(raw(b"", "302 Found", f"Location: {foreign.url}/back")) as elsewhere:
        foreign.redirect("/x", f"{elsewhere.url}/there")
        assert vendo.session("gmail").get("/x").ok

    assert [TOKEN in str(seen.headers) for seen in foreign.seen] == [True, False]
    assert TOKEN.encode() not in b"".join(elsewhere.requests)


def test_the_time_out_of_a_session_does_not_bound_the_whole_response(
    provider: Callable[[str], None],
) -> None:
    text = raw(b"0123456789")

    def reply(sock: socket.socket) -> None:
        sock.sendall(text[:-10])
        for byte in text[-10:]:
            if not server.ended.wait(0.4):
                sock.sendall(bytes([byte]))

    with RawServer(reply) as server:
        provider(server.url)
        response = vendo.session("gmail").get("/x", timeout=3)
    assert response.content == b"0123456789"
    assert response.elapsed.total_seconds() < 3
