"""The types of the public API of `vendo`, as mypy sees them. This file is checked, never run.

A line that must be an error has an ignore of that very error: mypy reports one that it does not
need.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, assert_type

import aiohttp
import requests
from requests.auth import AuthBase

import vendo
from vendo import (
    AsyncVendo,
    Balance,
    Connection,
    EventStreamMessage,
    Integration,
    RetryPolicy,
    Slug,
    SpendCaps,
    Vendo,
    VendoError,
    WebhookEvent,
    WebhooksAPI,
    aio,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def strict_slugs() -> None:
    openai: Slug = "openai"
    assert_type(vendo.token(openai), str)
    misspelt: Slug = "opnai"  # type: ignore[assignment]
    vendo.token(misspelt)


def module_level() -> None:
    assert_type(vendo.token("openai"), str)
    assert_type(vendo.token("a slug of another kind"), str)
    assert_type(vendo.tokens(["openai", "slack"]), dict[str, str | None])
    assert_type(vendo.token("sentry", default=None), str | None)
    assert_type(vendo.token("sentry", default=""), str)
    assert_type(vendo.tokens(slug for slug in ("openai",)), dict[str, str | None])
    assert_type(vendo.session("gmail"), requests.Session)
    assert_type(vendo.session("gmail", hosts=["api.example.com"]), requests.Session)
    assert_type(vendo.connect_url("gmail", return_to="https://x.example", state="s"), str)
    assert_type(vendo.is_vendo_mode(), bool)
    assert_type(vendo.for_user("jwt"), Vendo)
    assert_type(vendo.for_request({"X-Vendo-User-JWT": "jwt"}), Vendo)
    assert_type(vendo.connections.list(), list[Connection])
    assert_type(vendo.connections.get("gmail"), Connection | None)
    assert_type(vendo.connections.connected_slugs(), list[str])
    assert_type(vendo.integrations.list(), list[Integration])
    assert_type(vendo.integrations.get("gmail"), Integration | None)
    assert_type(vendo.integrations.env_vars("slack"), list[str])
    assert_type(vendo.billing.balance(), Balance)
    assert_type(vendo.billing.balance().credits_remaining, Decimal)
    assert_type(vendo.billing.balance().credits_remaining_micros, int)
    assert_type(vendo.billing.spend_caps(), SpendCaps)
    assert_type(vendo.billing.spend_caps().daily, Decimal | None)
    assert_type(vendo.billing.usage("day"), dict[str, Any])
    assert_type(vendo.data.execute("GMAIL_FETCH_EMAILS", {"max_results": 1}), Any)
    assert_type(vendo.webhooks.verify({}, b""), WebhookEvent)
    assert_type(vendo.__version__, str)
    with vendo.events.subscribe(max_backoff_sec=5.0) as events:
        for event in events:
            assert_type(event, EventStreamMessage)
            assert_type(event.slug, str | None)
        iterator: Iterator[EventStreamMessage] = events
        del iterator


def misuse() -> None:
    vendo.tokne("openai")  # type: ignore[attr-defined]
    vendo.token(None)  # type: ignore[call-overload]
    vendo.token(["openai"])  # type: ignore[call-overload]
    vendo.billing.usage("year")  # type: ignore[arg-type]
    Vendo(timeout="30")  # type: ignore[arg-type]
    Vendo("key", "https://vendo.example", "https://credentials.example")  # type: ignore[call-arg]
    vendo.connections.list()[0].slug = "gmail"  # type: ignore[misc]


def blocking(client: Vendo) -> None:
    Vendo()
    Vendo("byok", "https://vendo.example")
    Vendo(
        api_key="vendo_sk_…",
        base_url=None,
        credentials_url=None,
        data_proxy_url=None,
        api_version="2026-05-02",
        timeout=5,
        retry=RetryPolicy(attempts=2, backoff=0.1, max_backoff=1.0),
        transport=None,
    )
    with client as entered:
        assert_type(entered, Vendo)
    assert_type(client.token("openai"), str)
    assert_type(client.tokens(("openai",)), dict[str, str | None])
    assert_type(client.session("gmail"), requests.Session)
    assert_type(client.auth("gmail"), AuthBase)
    assert_type(client.for_user("jwt").for_user("jwt"), Vendo)
    assert_type(client.timeout, float)
    assert_type(client.webhooks, WebhooksAPI)


async def asynchronous(client: AsyncVendo) -> None:
    async with client as entered:
        assert_type(entered, AsyncVendo)
    assert_type(await client.token("openai"), str)
    assert_type(await client.tokens(["openai"]), dict[str, str | None])
    assert_type(await client.session("gmail"), aiohttp.ClientSession)
    assert_type(client.connect_url("gmail"), str)
    assert_type(client.for_user("jwt"), AsyncVendo)
    assert_type(client.for_request({}), AsyncVendo)
    assert_type(await client.connections.list(), list[Connection])
    assert_type(await client.connections.get("gmail"), Connection | None)
    assert_type(await client.integrations.env_vars("gmail"), list[str])
    assert_type(await client.billing.balance(), Balance)
    assert_type(await client.billing.spend_caps(), SpendCaps)
    assert_type(await client.data.execute("GMAIL_FETCH_EMAILS"), Any)
    async with client.events.subscribe() as events:
        async for event in events:
            assert_type(event, EventStreamMessage)
    assert_type(await aio.token("openai"), str)
    assert_type(await aio.tokens(["openai"]), dict[str, str | None])
    assert_type(await aio.connections.list(), list[Connection])
    assert_type(aio.client("key"), AsyncVendo)
    AsyncVendo("key", transport="carrier pigeon")  # type: ignore[arg-type]


def errors(error: VendoError) -> None:
    assert_type(error.code, str)
    assert_type(error.message, str)
    assert_type(error.status, int | None)
    assert_type(error.slug, str | None)
    assert_type(error.connect_url, str | None)
    assert_type(error.retry_after, int | None)
    assert_type(error.suggested_fix, str | None)
    timeout: TimeoutError = vendo.UpstreamTimeout("upstream_error", "m")
    connection: ConnectionError = vendo.UpstreamConnectionError("upstream_error", "m")
    missing: ImportError = vendo.MissingExtra("extra_missing", "m")
    del timeout, connection, missing
