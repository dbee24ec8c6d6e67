"""The types of the fixtures of `vendo_pytest`, and of the mocks.

mypy checks this file; it is never run. See `core.py` beside it.
"""

from __future__ import annotations

from typing import assert_type

import requests

import vendo
from vendo.testing import MockAsyncClient, MockClient, MockSSE, fake_connection
from vendo_pytest import GuardError, VendoSession, VendoToken, VendoTokens, VendoUsage


def fixtures(
    vendo_token: VendoToken,
    vendo_tokens: VendoTokens,
    vendo_session: VendoSession,
    vendo_usage: VendoUsage,
) -> None:
    assert_type(vendo_token("openai"), str)
    assert_type(vendo_token("openai", "sk-test"), str)
    assert_type(vendo_tokens("stripe", openai="sk-test", slack=None), dict[str, str])
    assert_type(vendo_session("gmail", hosts=["api.example.com"]), requests.Session)
    assert_type(vendo_usage.slugs, list[str])
    vendo_usage.assert_used("openai", "slack")
    vendo_token("openai", b"sk-test")  # type: ignore[arg-type]  # a token is text
    error: RuntimeError = GuardError()
    assert not isinstance(error, vendo.VendoError)


async def mocks() -> None:
    client = MockClient(
        {"openai": "sk-test", "gmail": vendo.NeedsReauth("x", "y")},
        connections=["openai", fake_connection("gmail", "needs_reauth")],
        balance=5_000_000,
        events=MockSSE(),
    )
    real: vendo.Vendo = client
    assert_type(real.token("openai"), str)
    assert_type(client.connections.list(), list[vendo.Connection])
    assert_type(client.billing.balance(), vendo.Balance)
    assert_type(client.for_user("a.b.c"), MockClient)
    asynchronous: vendo.AsyncVendo = MockAsyncClient(balance=vendo.Balance(1, "USD"))
    assert_type(await asynchronous.tokens(["openai"]), dict[str, str | None])
    MockClient({"openai": 1})  # type: ignore[dict-item]  # a token is text
