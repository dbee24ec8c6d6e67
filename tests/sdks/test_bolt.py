"""Bolt with the page's `authorize`: signed requests, each of a workspace."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from slack_bolt import App, BoltRequest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

import vendo
from sdks.checks import JWTS, fetches, provider_texts
from sdks.recipes import recipe
from support.internet import internet
from vendo._tokens.cache import shared

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

HEADING = "slack_sdk and Bolt"
SECRET = "not-a-real-secret"


@pytest.fixture
def slack_com(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lead slack.com to the fake provider: the page's `authorize` has no other address."""
    with internet(server) as net:
        for name, value in net.environment.items():
            monkeypatch.setenv(name, value)
        yield


def request(team: str) -> dict[str, Any]:
    """Return a request of Slack in which a user mentions the app."""
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "text": "Hi", "ts": "1.1"}
    body = json.dumps({"type": "event_callback", "team_id": team, "event": event})
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)
    headers: dict[str, Any] = {
        "content-type": ["application/json"],
        "x-slack-request-timestamp": [timestamp],
        "x-slack-signature": [signature],
    }
    return {"body": body, "headers": headers}


def listening(found: Any, authorize: Any = None) -> App:
    """Make an app that posts the name of the workspace in which it is mentioned.

    Args:
        found: the page's client and `authorize`.
        authorize: another one.
    """
    app = App(
        client=found.VendoWebClient(),
        authorize=authorize or found.authorize,
        signing_secret=SECRET,
        process_before_response=True,
    )

    def greet(say: Any, body: dict[str, Any]) -> None:
        say(f"Hello {body['team_id']}")

    app.event("app_mention")(greet)
    return app


def listening_async(authorize: Any, session: ClientSession | None = None) -> AsyncApp:
    app = AsyncApp(
        client=AsyncWebClient(session=session),
        authorize=authorize,
        signing_secret=SECRET,
        process_before_response=True,
    )

    async def greet(say: Any, body: dict[str, Any]) -> None:
        await say(f"Hello {body['team_id']}")

    app.event("app_mention")(greet)
    return app


def greetings(server: LocalVendo, team: str) -> list[str]:
    """Return the messages to a workspace, with their headers."""
    return [text for text in provider_texts(server, "slack") if f"Hello {team}" in text]


def check_owners(server: LocalVendo, expected: int) -> None:
    tokens = {server.token("slack", jwt): team for team, jwt in JWTS.items()}
    for team in JWTS:
        texts = greetings(server, team)
        assert len(texts) == expected
        assert {tokens[token] for text in texts for token in tokens if token in text} == {team}


@pytest.mark.usefixtures("slack_com")
def test_listener_posts_with_the_current_token(server: LocalVendo) -> None:
    app = listening(recipe(HEADING, "VendoWebClient"))
    for change in (None, server.rotate, server.expire):
        if change is not None:
            change("slack")
        assert app.dispatch(BoltRequest(**request("T00000001"))).status == 200
        assert server.token("slack") in greetings(server, "T00000001")[-1]
    assert len(greetings(server, "T00000001")) == fetches(server) == 3
    server.expire("slack")
    assert app.client.auth_test()["ok"]


@pytest.mark.usefixtures("slack_com")
def test_rejection_for_another_reason_reaches_no_listener(server: LocalVendo) -> None:
    app = listening(recipe(HEADING, "VendoWebClient"))
    assert app.dispatch(BoltRequest(**request("T00000001"))).status == 200
    body = {"ok": False, "error": "invalid_auth"}
    server.respond("slack", "POST", "/api/auth.test", body=body)
    # Time stands still: the token that came again counts as the current one for a second.
    now = shared._clock()
    with patch.object(shared, "_clock", lambda: now):
        for _ in range(20):
            app.dispatch(BoltRequest(**request("T00000001")))
    assert len(greetings(server, "T00000001")) == 1
    assert fetches(server) == 2


@pytest.mark.usefixtures("slack_com")
def test_unsigned_request_reaches_no_provider(server: LocalVendo) -> None:
    app = listening(recipe(HEADING, "VendoWebClient"))
    forged = request("T00000001")
    forged["headers"]["x-slack-signature"] = ["v0=forged"]
    assert app.dispatch(BoltRequest(**forged)).status == 401
    assert provider_texts(server, "slack") == []
    assert fetches(server) == 0


@pytest.mark.usefixtures("slack_com")
def test_workspaces_at_once_have_their_own_tokens(server: LocalVendo, client: vendo.Vendo) -> None:
    found = recipe(HEADING, "VendoWebClient")
    barrier = Barrier(len(JWTS))

    def authorize(team_id: str) -> AuthorizeResult:
        web = found.VendoWebClient()
        web.source = client.for_user(JWTS[team_id])
        return AuthorizeResult.from_auth_test_response(
            auth_test_response=web.auth_test(), bot_token=web.token
        )

    app = listening(found, authorize)

    def mention(team: str) -> None:
        barrier.wait(timeout=30)
        for _ in range(5):
            assert app.dispatch(BoltRequest(**request(team))).status == 200

    with ThreadPoolExecutor(len(JWTS)) as pool:
        list(pool.map(mention, JWTS))
    check_owners(server, 5)


def test_asyncio_listener_posts_with_the_current_token(server: LocalVendo) -> None:
    authorize = recipe(HEADING, "AsyncApp").authorize

    async def run() -> None:
        async with (
            server.async_client() as client,
            await client.session("slack", override=True) as session,
        ):
            app = listening_async(authorize, session)
            for change in (None, server.rotate, server.expire):
                if change is not None:
                    change("slack")
                response = await app.async_dispatch(AsyncBoltRequest(**request("T00000001")))
                assert response.status == 200
                assert server.token("slack") in greetings(server, "T00000001")[-1]

    asyncio.run(run())
    assert len(greetings(server, "T00000001")) == fetches(server) == 3


def test_asyncio_workspaces_at_once_have_their_own_tokens(server: LocalVendo) -> None:
    async def run() -> None:
        async with server.async_client() as client:
            sessions = {
                team: await client.for_user(jwt).session("slack", override=True)
                for team, jwt in JWTS.items()
            }

            async def authorize(client: AsyncWebClient, team_id: str) -> AuthorizeResult:
                client.session = sessions[team_id]
                identity = await client.auth_test()
                return AuthorizeResult.from_auth_test_response(auth_test_response=identity)

            app = listening_async(authorize)
            mentions = [AsyncBoltRequest(**request(team)) for team in JWTS for _ in range(5)]
            await asyncio.gather(*map(app.async_dispatch, mentions))
            for session in sessions.values():
                await session.close()

    asyncio.run(run())
    check_owners(server, 5)
