"""URLs of the asyncio session: relative ones and those of WebSockets."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from yarl import URL

import vendo
from vendo import AsyncVendo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sessions.foreign import Foreign

TOKEN = "canary-0b7e"

RELATIVE = [
    *(
        "user",
        "/user",
        "user/",
        "",
        "?page=2",
        "/a%2Fb?c=%20d",
        "a:b",
        "user?next=https://x.example/",
    ),
    *("/\u00e9", "#top"),
]


@pytest.fixture(autouse=True)
def _bitbucket(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    for slug in ("BITBUCKET", "ELEVENLABS"):
        monkeypatch.setenv(f"VENDO_TOKEN_{slug}", TOKEN)
        monkeypatch.setenv(f"{slug}_BASE_URL", f"{foreign.url}/providers/{slug.lower()}")


def run(
    slug: str, work: Callable[[aiohttp.ClientSession], Awaitable[None]], **settings: Any
) -> None:
    async def main() -> None:
        async with AsyncVendo() as client, await client.session(slug, **settings) as session:
            await work(session)

    asyncio.run(main())


async def fetch(session: aiohttp.ClientSession, url: str | URL) -> None:
    async with session.get(url) as response:
        assert await response.text() == "{}"


# Relative URLs


@pytest.mark.parametrize("url", RELATIVE)
def test_relative_url_resolves_as_in_the_blocking_session(foreign: Foreign, url: str) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        for target in (url, URL(url)):
            await fetch(session, target)

    run("bitbucket", work)
    with vendo.Vendo() as client:
        client.session("bitbucket").get(url)

    first, second, blocking = [seen.path for seen in foreign.seen]
    assert first.startswith("/providers/bitbucket")
    assert first == second == blocking


def test_the_base_url_is_read_at_each_request(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        for prefix in ("/one", "/two/"):
            monkeypatch.setenv("BITBUCKET_BASE_URL", foreign.url + prefix)
            await fetch(session, "/user")
        monkeypatch.setenv("BITBUCKET_BASE_URL", "http://gate.example.com")
        with pytest.raises(vendo.ValidationError, match="BITBUCKET_BASE_URL"):
            await session.get("/user")

    run("bitbucket", work)
    assert [seen.path for seen in foreign.seen] == ["/one/user", "/two/user"]


def test_path_of_the_callers_base_url_is_kept(foreign: Foreign) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        await fetch(session, "/user")

    run("bitbucket", work, base_url=f"{foreign.url}/v2")
    assert [seen.path for seen in foreign.seen] == ["/v2/user"]


def test_encoding_of_an_absolute_url_is_kept(foreign: Foreign) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        await fetch(session, URL(f"{foreign.url}/a%2fb", encoded=True))
        await fetch(session, URL("a%2fb", encoded=True))

    run("bitbucket", work)
    assert [seen.path for seen in foreign.seen] == ["/a%2fb", "/providers/bitbucket/a%2fb"]


@pytest.mark.parametrize("url", ["//example.org/x", "x"])
def test_relative_url_without_a_base_url_is_a_vendo_error(url: str) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        with pytest.raises(vendo.ValidationError, match="without scheme and host"):
            await session.get(url)

    run("shopify", work)


def test_repr_of_a_session_names_the_provider() -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        assert repr(session) == "<VendoClientSession 'bitbucket'>"
        assert isinstance(session, aiohttp.ClientSession)

    run("bitbucket", work)


# WebSockets


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[Any]]]:
    """Run an echo server on this machine that records its requests."""
    seen: list[Any] = []

    async def listen(request: web.Request) -> web.WebSocketResponse:
        seen.append((request.path, request.headers.get("xi-api-key")))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(await socket.receive_str())
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", listen)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1], seen
    finally:
        await runner.cleanup()


async def echoed(session: aiohttp.ClientSession, url: str, **how: Any) -> str:
    async with session.ws_connect(url, **how) as socket:
        await socket.send_str("hello")
        response: str = await socket.receive_str()
        return response


@pytest.mark.parametrize("written", ["ws://127.0.0.1:{}/v1/listen", "/listen"])
def test_a_websocket_on_this_machine_gets_the_token(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        async with listening() as (port, seen):
            monkeypatch.setenv("ELEVENLABS_BASE_URL", f"http://127.0.0.1:{port}/v1")
            assert await echoed(session, written.format(port)) == "hello"
            assert seen == [("/v1/listen", TOKEN)]

    run("elevenlabs", work)


def test_a_websocket_over_tls_gets_the_token() -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def main() -> None:
        async with listening(tls) as (port, seen), AsyncVendo() as client:
            hosts = [f"localhost:{port}"]
            async with await client.session("elevenlabs", hosts=hosts) as session:
                url = f"wss://localhost:{port}/listen"
                assert await echoed(session, url, ssl=trusting) == "hello"
            assert seen == [("/listen", TOKEN)]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("wss://api.example.com/listen", r"not sent to api\.example\.com\. Fix: .*hosts="),
        ("ws://api.elevenlabs.io/listen", r"not sent over plain http to api\.elevenlabs\.io\. "),
        ("ws://127.0.0.1:9/listen", r"not sent to 127\.0\.0\.1:9\. Fix: .*hosts="),
    ],
)
def test_websocket_to_another_host_or_without_tls_is_an_error(url: str, problem: str) -> None:
    async def work(session: aiohttp.ClientSession) -> None:
        with pytest.raises(vendo.ValidationError, match=problem):
            await session.ws_connect(url)

    run("elevenlabs", work)
