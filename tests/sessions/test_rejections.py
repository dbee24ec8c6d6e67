"""A provider that rejects a token with status 200: its token is renewed as after a 401."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest

import vendo
from vendo.testing import LocalVendo

REJECTED = {"ok": False, "error": "invalid_auth"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    with LocalVendo(["slack", "openai"]) as running:
        for slug in ("slack", "openai"):
            monkeypatch.setenv(f"{slug.upper()}_BASE_URL", running.provider_url(slug))
        yield running


@pytest.fixture
def client(server: LocalVendo) -> Iterator[vendo.Vendo]:
    with server.client() as client:
        yield client


def address(server: LocalVendo) -> str:
    return f"{server.provider_url('slack')}/api/auth.test"


@pytest.mark.parametrize("change", ["expire", "rotate"])
def test_session_renews_the_token(server: LocalVendo, client: vendo.Vendo, change: str) -> None:
    with client.session("slack") as session:
        assert session.post(address(server)).json()["ok"] is True
        getattr(server, change)("slack")
        response = session.post(address(server), data={"a": "b"})
        assert response.json()["ok"] is True
        assert [rejected.json() for rejected in response.history] == [REJECTED]
    assert server.requests[-1].body == b"a=b"
    assert server.count("provider") == 3


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_httpx_auth_renews_the_token(server: LocalVendo, client: vendo.Vendo, library: Any) -> None:
    with library.Client(auth=client.httpx_auth("slack")) as http:
        assert http.post(address(server)).json()["ok"] is True
        server.expire("slack")
        assert http.post(address(server)).json()["ok"] is True
        server.expire("slack")
        with http.stream("POST", address(server)) as response:
            assert b"".join(response.iter_bytes()).startswith(b'{"ok":true')
    assert server.count("provider") == 5


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_httpx_auth_renews_the_token_in_a_task(server: LocalVendo, library: Any) -> None:
    async def run() -> None:
        async with (
            server.async_client() as client,
            library.AsyncClient(auth=client.httpx_auth("slack")) as http,
        ):
            assert (await http.post(address(server))).json()["ok"] is True
            server.expire("slack")
            assert (await http.post(address(server))).json()["ok"] is True

    asyncio.run(run())
    assert server.count("provider") == 3


def test_aiohttp_session_renews_the_token(server: LocalVendo) -> None:
    async def run() -> None:
        async with server.async_client() as client, await client.session("slack") as session:
            for _ in range(2):
                async with session.post(address(server)) as response:
                    assert (await response.json())["ok"] is True
                server.expire("slack")

    asyncio.run(run())
    assert server.count("provider") == 3


@pytest.mark.parametrize(
    "body",
    [
        {"ok": False, "error": "channel_not_found"},
        {"ok": True, "error": "invalid_auth"},
        {"ok": False, "error": ["invalid_auth"]},
        [REJECTED],
        {**REJECTED, "long": "x" * 2000},
        "invalid_auth",
        b"\xff",
    ],
)
def test_other_bodies_do_not_reject(server: LocalVendo, client: vendo.Vendo, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    server.respond("slack", "GET", "/any", body=body, headers=headers)
    with client.session("slack") as session:
        session.get(f"{server.provider_url('slack')}/any")
    with httpx.Client(auth=client.httpx_auth("slack")) as http:
        http.get(f"{server.provider_url('slack')}/any")
    assert (server.count("provider"), server.count("credentials")) == (2, 1)


def test_body_of_another_type_or_status_does_not_reject(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    server.respond("slack", "GET", "/text", body='{"ok":false,"error":"invalid_auth"}')
    server.respond("slack", "GET", "/status", body=REJECTED, status=400)
    with client.session("slack") as session:
        for path in ("/text", "/status"):
            session.get(server.provider_url("slack") + path)
    assert server.count("credentials") == 1


def test_streamed_body_is_not_looked_at(server: LocalVendo, client: vendo.Vendo) -> None:
    with client.session("slack") as session:
        client.token("slack")
        server.expire("slack")
        with session.post(address(server), stream=True) as response:
            assert response.raw.read().endswith(b'"invalid_auth"}')
    assert server.count("provider") == 1


def test_provider_without_such_a_rule_is_not_looked_at(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    server.respond("openai", "GET", "/any", body=REJECTED)
    with client.session("openai") as session:
        session.get(f"{server.provider_url('openai')}/any")
    assert (server.count("provider"), server.count("credentials")) == (1, 1)
