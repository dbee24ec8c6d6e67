"""What the fake providers respond to the second call of an SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testing.local_http import Response, bearer, send
from vendo.testing import LocalVendo

HEADERS = {"Content-Type": "application/json", "Notion-Version": "2022-06-28"}


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["github", "gmail", "notion", "slack", "stripe"]) as running:
        yield running


def get(server: LocalVendo, slug: str, path: str) -> Response:
    return send(server.provider_url(slug) + path, headers=bearer(server.token(slug)))


def post(server: LocalVendo, slug: str, path: str, fields: dict[str, Any]) -> Response:
    headers = {**bearer(server.token(slug)), **HEADERS}
    body = json.dumps(fields).encode()
    return send(server.provider_url(slug) + path, "POST", headers, body=body)


def test_github_has_a_repository(server: LocalVendo) -> None:
    (repository,) = get(server, "github", "/user/repos").json
    assert repository["full_name"] == "local-owner/local"
    assert repository["url"] == f"{server.provider_url('github')}/repos/local-owner/local"
    named = get(server, "github", "/repos/ana/tool").json
    assert (named["name"], named["owner"]["login"]) == ("tool", "ana")


def test_github_opens_an_issue(server: LocalVendo) -> None:
    (issue,) = get(server, "github", "/repos/ana/tool/issues").json
    opened = post(server, "github", "/repos/ana/tool/issues", {"title": "Broken"})
    assert (opened.status, opened.json) == (201, {**issue, "title": "Broken"})
    assert get(server, "github", "/repos/ana/tool/issues").json == [issue]


@pytest.mark.parametrize("path", ["/repos/ana", "/repos/ana/tool/pulls", "/repos/ana/tool/a/b"])
def test_github_has_nothing_else_below_repositories(server: LocalVendo, path: str) -> None:
    for response in (get(server, "github", path), post(server, "github", path, {})):
        assert (response.status, response.json["message"]) == (404, "Not Found")


def test_github_creates_no_repository(server: LocalVendo) -> None:
    assert post(server, "github", "/repos/ana/tool", {}).status == 404


def test_slack_lists_channels_in_pages(server: LocalVendo) -> None:
    whole = get(server, "slack", "/conversations.list").json
    assert (whole["ok"], len(whole["channels"])) == (True, 3)
    assert whole["response_metadata"] == {"next_cursor": ""}
    first = post(server, "slack", "/conversations.list", {"limit": 2}).json
    cursor = first["response_metadata"]["next_cursor"]
    second = get(server, "slack", f"/conversations.list?limit=2&cursor={cursor}").json
    assert first["channels"] + second["channels"] == whole["channels"]
    assert second["response_metadata"] == {"next_cursor": ""}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=x", "limit=-1&cursor="])
def test_slack_reads_a_malformed_page_as_the_first(server: LocalVendo, query: str) -> None:
    assert len(get(server, "slack", f"/conversations.list?{query}").json["channels"]) == 3


def test_stripe_creates_a_customer(server: LocalVendo) -> None:
    headers = {
        **bearer(server.token("stripe")),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    url = f"{server.provider_url('stripe')}/v1/customers"
    customer = send(url, "POST", headers, body=b"name=Ana").json
    assert (customer["object"], customer["name"], customer["email"]) == ("customer", "Ana", None)


def test_notion_searches_and_creates_a_page(server: LocalVendo) -> None:
    (page,) = post(server, "notion", "/v1/search", {"query": "Local"}).json["results"]
    parent = {"page_id": page["id"]}
    created = post(server, "notion", "/v1/pages", {"parent": parent, "properties": {}}).json
    assert created == {**page, "parent": parent}


def test_gmail_sends_a_message(server: LocalVendo) -> None:
    sent = post(server, "gmail", "/gmail/v1/users/me/messages/send", {"raw": "SGk"}).json
    assert sent["labelIds"] == ["SENT"]
