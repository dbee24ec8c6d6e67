"""Debug pages, logs and frames of errors contain no secret."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.routing import Route
from starlette.testclient import TestClient

from starlette_adapter.asgi import http_scope
from support.shown import texts_of
from vendo import VendoError
from vendo_starlette import (
    VendoMiddleware,
    VendoSettings,
    install,
    vendo_async_session,
    vendo_client,
    vendo_httpx,
    vendo_routes,
    vendo_session,
    vendo_sync_client,
    vendo_token,
)
from vendo_starlette.checks import check_start
from vendo_starlette.clients import Clients
from vendo_starlette.webhooks import verified_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response

    from vendo.testing import LocalVendo

JWT = "canary.of-a.user"
KEY = "vendo_sk_canary" + "k" * 26
SECRET = "whsec_canary"


def shown_by(error: BaseException) -> str:
    """All that an error shows, the variables of every frame but the tests' included."""
    return "\n".join(texts_of(error))


def request_of(settings: VendoSettings) -> Request:
    app = Starlette()
    install(app, settings)
    return Request({**http_scope(headers=[(b"x-vendo-user-jwt", JWT.encode())]), "app": app})


async def _use_session(connection: HTTPConnection) -> None:
    session = await vendo_session("slack")(connection)
    await asyncio.to_thread(session.get, "https://slack.com/api/api.test")


async def _use_async_session(connection: HTTPConnection) -> None:
    session = await vendo_async_session("slack")(connection)
    await session.get("https://slack.com/api/api.test")


async def _use_httpx(connection: HTTPConnection) -> None:
    await (await vendo_httpx("slack")(connection)).get("https://slack.com/api/api.test")


async def _get_token(connection: HTTPConnection) -> None:
    await vendo_token("slack")(connection)


async def _list_connections(connection: HTTPConnection) -> None:
    await (await vendo_client()(connection)).connections.list()


async def _get_token_in_thread(connection: HTTPConnection) -> None:
    client = await vendo_sync_client()(connection)
    await asyncio.to_thread(client.token, "slack")


@pytest.mark.parametrize("trouble", ["malformed", "rejected", "failing", "reset"])
@pytest.mark.parametrize(
    "ask",
    [
        _use_session,
        _use_async_session,
        _use_httpx,
        _get_token,
        _list_connections,
        _get_token_in_thread,
    ],
)
def test_no_frame_of_an_error_shows_a_key_or_a_jwt(
    ask: Callable[[HTTPConnection], Coroutine[Any, Any, None]],
    trouble: str,
    vendo_mode: LocalVendo,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key = "two words canary" if trouble == "malformed" else KEY
    if trouble == "failing":
        vendo_mode.fail("any", status=500, times=None)
    elif trouble == "reset":
        vendo_mode.fail("any", reset=True, times=None)

    async def main() -> None:
        await ask(request_of(VendoSettings(api_key=key, timeout=0.3)))

    # aiohttp wraps any `OSError` in its own error; ours is the cause.
    errors = (VendoError, aiohttp.ClientOSError)
    with caplog.at_level(logging.DEBUG), pytest.raises(errors) as caught:
        asyncio.run(main())
    assert "canary" not in shown_by(caught.value)
    assert "canary" not in caplog.text


def test_no_frame_of_a_rejected_webhook_shows_the_secret() -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}"}

    for secrets in (SECRET, [SECRET, SECRET]):
        scope = request_of(VendoSettings(webhook_secrets=secrets)).scope
        with pytest.raises(VendoError) as caught:
            asyncio.run(verified_webhook(Request(scope, receive)))
        assert "canary" not in shown_by(caught.value)


def test_no_frame_of_a_failed_start_shows_a_token(vendo_mode: LocalVendo) -> None:
    vendo_mode.connect("openai", token="sk-canary")
    clients = Clients(VendoSettings(required=["openai", "slack"]))
    with pytest.raises(VendoError) as caught:
        asyncio.run(check_start(clients))
    assert "canary" not in shown_by(caught.value)


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_the_debug_page_shows_neither(kind: Any, accept: str, vendo_mode: LocalVendo) -> None:
    async def fail(request: Request) -> Response:
        await request.state.vendo.token("slack")
        raise AssertionError

    app = kind(debug=True, routes=[Route("/", fail), *vendo_routes()])
    app.add_middleware(VendoMiddleware, settings=VendoSettings(api_key=KEY))
    browser = TestClient(app, raise_server_exceptions=False, follow_redirects=False)

    page = browser.get("/", headers={"Accept": accept, "X-Vendo-User-JWT": JWT})
    assert page.status_code == 500
    assert "AuthError" in page.text
    assert "canary" not in page.text
