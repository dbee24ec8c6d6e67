"""Slack's package: the subclass of the page for blocking programs, and asyncio over aiohttp."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

import vendo
from sdks.asynchronous import AsyncScenarios
from sdks.checks import DUMMY, fetches, provider_texts
from sdks.errors_shown import error_texts
from sdks.recipes import recipe
from sdks.scenarios import Calls, Scenarios

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

CHANNELS = ["general", "random", "local"]
THREADS = 8


def blocking(server: LocalVendo, source: vendo.Vendo) -> Any:
    """Make the page's client."""
    found = recipe("slack_sdk and Bolt", "VendoWebClient")
    web = found.VendoWebClient(base_url=server.provider_url("slack"))
    web.source = source
    return web


class SlackScenarios(Scenarios):
    """Slack's errors have status 200."""

    slug = "slack"
    other = ("POST", "/api/auth.test")
    unauthenticated = SlackApiError
    forbidden = SlackApiError
    streamed = " ".join(CHANNELS)

    def reject(self, status: int) -> None:
        error = "invalid_auth" if status == 401 else "missing_scope"
        self.server.respond(self.slug, *self.other, body={"ok": False, "error": error})

    def shown_of(self, error: Exception) -> Iterable[object]:
        return error_texts(error)


class TestSlack(SlackScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        web = blocking(self.server, client)

        def post(text: str) -> object:
            return web.chat_postMessage(channel="C1", text=text)

        def channels() -> str:
            pages = web.conversations_list(limit=2)
            return " ".join(row["name"] for page in pages for row in page["channels"])

        return Calls(post, web.auth_test, channels, [web])


def asynchronous(session: Any) -> AsyncWebClient:
    return AsyncWebClient(DUMMY, session=session)


class TestAsyncSlack(AsyncScenarios, SlackScenarios):
    def make(self, client: Any, stack: AsyncExitStack) -> Calls:
        made: list[AsyncWebClient] = []
        web = self.once(client, stack, asynchronous, made)

        async def post(text: str) -> object:
            return await (await web()).chat_postMessage(channel="C1", text=text)

        async def identity() -> object:
            return await (await web()).auth_test()

        async def channels() -> str:
            pages = await (await web()).conversations_list(limit=2)
            return " ".join([row["name"] async for page in pages for row in page["channels"]])

        return Calls(post, identity, channels, made)

    def test_token_expires_between_two_pages(self, calls: Calls) -> None:
        self.run(calls.other())
        (web,) = calls.objects

        async def channels() -> list[str]:
            names: list[str] = []
            async for page in await web.conversations_list(limit=2):
                names += [row["name"] for row in page["channels"]]
                self.server.expire("slack")
            return names

        assert self.run(channels()) == CHANNELS


def test_threads_share_a_client(server: LocalVendo, client: vendo.Vendo) -> None:
    web = blocking(server, client)
    web.auth_test()
    barrier = Barrier(THREADS)

    def call(_: int) -> bool:
        barrier.wait(timeout=30)
        return bool(web.auth_test()["ok"])

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(3):
            server.expire("slack")
            assert all(pool.map(call, range(THREADS)))
    assert fetches(server) <= 10


@pytest.mark.parametrize("error", ["invalid_auth", "token_expired", "token_revoked"])
def test_each_rejection_is_repeated_once(
    server: LocalVendo, client: vendo.Vendo, error: str
) -> None:
    web = blocking(server, client)
    server.respond("slack", "POST", "/api/auth.test", body={"ok": False, "error": error})
    with pytest.raises(SlackApiError, match=error):
        web.auth_test()
    assert len(provider_texts(server, "slack")) == 2


@pytest.mark.parametrize("error", ["channel_not_found", "missing_scope", "ratelimited"])
def test_other_errors_are_not_repeated(server: LocalVendo, client: vendo.Vendo, error: str) -> None:
    web = blocking(server, client)
    server.respond("slack", "POST", "/api/auth.test", body={"ok": False, "error": error})
    with pytest.raises(SlackApiError, match=error):
        web.auth_test()
    assert len(provider_texts(server, "slack")) == 1


def test_pages_keep_the_token_of_the_first(server: LocalVendo, client: vendo.Vendo) -> None:
    pages = iter(blocking(server, client).conversations_list(limit=2))
    assert [row["name"] for row in next(pages)["channels"]] == CHANNELS[:2]
    server.expire("slack")
    with pytest.raises(SlackApiError, match="invalid_auth"):
        next(pages)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_file_is_uploaded_after_a_rejection(
    server: LocalVendo, client: vendo.Vendo, tmp_path: Path, as_bytes: bool
) -> None:
    (tmp_path / "me.png").write_bytes(b"the picture")
    image: Any = b"the picture" if as_bytes else str(tmp_path / "me.png")
    web = blocking(server, client)
    server.respond("slack", "POST", "/api/users.setPhoto", body={"ok": True})
    web.auth_test()
    server.expire("slack")
    assert web.users_setPhoto(image=image)["ok"]
    assert [text.count("the picture") for text in provider_texts(server, "slack")] == [0, 1, 1]
