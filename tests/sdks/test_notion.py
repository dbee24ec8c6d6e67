"""notion-client, blocking and in asyncio."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx
import notion_client
import pytest

import vendo
from sdks.checks import DUMMY, fetches, provider_texts
from sdks.scenarios import Calls, Scenarios

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk

#: By default each client adds a handler to its logger.
SETTINGS: dict[str, Any] = {"logger": logging.getLogger("notion"), "log_level": logging.DEBUG}
if hasattr(notion_client.client, "RetryOptions"):  # the older release does not retry
    SETTINGS["retry"] = False
PARENT = {"page_id": "00000000-0000-4000-8000-000000000002"}


def title(text: str) -> dict[str, Any]:
    return {"title": [{"text": {"content": text}}]}


class NotionScenarios(Scenarios):
    slug = "notion"
    other = ("GET", "/v1/users/me")
    unauthenticated = notion_client.APIResponseError
    forbidden = notion_client.APIResponseError

    def error_body(self, reason: str) -> dict[str, Any]:
        return {"object": "error", "code": "restricted_resource", "message": reason}


class TestNotion(NotionScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        http = stack.enter_context(httpx.Client(auth=client.httpx_auth("notion")))
        notion = notion_client.Client(client=http, **SETTINGS)

        def search(text: str) -> object:
            return notion.search(query=text)

        return Calls(search, notion.users.me, None, [notion, notion.users, http])


class TestAsyncNotion(NotionScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        http = httpx.AsyncClient(auth=client.httpx_auth("notion"))
        stack.push_async_callback(http.aclose)
        notion = notion_client.AsyncClient(client=http, **SETTINGS)

        async def search(text: str) -> object:
            return await notion.search(query=text)

        async def me() -> object:
            return await notion.users.me()

        return Calls(search, me, None, [notion, notion.users, http])


def test_body_is_sent_again(server: LocalVendo, client: vendo.Vendo) -> None:
    with httpx.Client(auth=client.httpx_auth("notion")) as http:
        notion = notion_client.Client(client=http, **SETTINGS)
        notion.users.me()
        server.expire("notion")
        page: Any = notion.pages.create(parent=PARENT, properties=title("Broken"))
        assert page["properties"] == title("Broken")
    assert sum("Broken" in text for text in provider_texts(server, "notion")) == 2


def test_lists_are_read_in_pages(server: LocalVendo, client: vendo.Vendo) -> None:
    with httpx.Client(auth=client.httpx_auth("notion")) as http:
        notion = notion_client.Client(client=http, **SETTINGS)
        pages = notion_client.helpers.collect_paginated_api(notion.search, query="Local")
        assert [page["object"] for page in pages] == ["page"]


def test_context_manager_of_the_sdk_has_no_credential(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    url = server.provider_url("notion")
    with httpx.Client(auth=client.httpx_auth("notion")) as http:
        notion = notion_client.Client(client=http, base_url=url, **SETTINGS)
        with notion, pytest.raises(notion_client.APIResponseError):
            notion.users.me()
        assert notion.users.me()


def test_call_keeps_a_credential_of_its_own(server: LocalVendo, client: vendo.Vendo) -> None:
    with httpx.Client(auth=client.httpx_auth("notion")) as http:
        notion = notion_client.Client(client=http, **SETTINGS)
        with pytest.raises(notion_client.APIResponseError):
            notion.users.me(auth=DUMMY)
    (text,) = provider_texts(server, "notion")
    assert f"Bearer {DUMMY}" in text
    assert fetches(server) == 0


if hasattr(notion_client.api_endpoints, "OAuthEndpoint"):  # not in the older release

    def test_oauth_keeps_its_credential(server: LocalVendo, client: vendo.Vendo) -> None:
        with httpx.Client(auth=client.httpx_auth("notion")) as http:
            notion = notion_client.Client(client=http, **SETTINGS)
            with pytest.raises(notion_client.APIResponseError):
                notion.oauth.token(client_id="id", client_secret="s", code="c")
        (text,) = provider_texts(server, "notion")
        assert "Basic aWQ6cw==" in text
        assert fetches(server) == 0


def test_headers_are_those_of_the_sdk(server: LocalVendo, client: vendo.Vendo) -> None:
    with httpx.Client(auth=client.httpx_auth("notion")) as http:
        notion = notion_client.Client(client=http, **SETTINGS)
        notion.users.me()
        (text,) = provider_texts(server, "notion")
        assert notion.options.notion_version in text
        assert "ramnes/notion-sdk-py" in text
