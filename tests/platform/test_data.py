"""`data.execute`: actions on users' connected accounts. Each test for each kind of client."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from support.flows import JWT
from vendo import (
    AuthError,
    BalanceExhausted,
    IdempotencyConflict,
    NotConnected,
    RateLimited,
    RetryPolicy,
    SpendCapExceeded,
    UpstreamError,
    ValidationError,
    Vendo,
    VendoOnlyFeature,
    aio,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

    Call = Callable[..., Any]

QUICK = RetryPolicy(3, backoff=0.001)


def echo(client: Any) -> Any:
    return client.data.execute("GMAIL_ECHO", {"text": "ü", "n": [1, None]})


@pytest.fixture(autouse=True)
def _echo(server: LocalVendo) -> None:
    server.action("GMAIL_ECHO", lambda args: {"echo": args})


def test_result_of_an_action_is_unwrapped(server: LocalVendo, call: Call) -> None:
    assert call(echo) == {"echo": {"text": "ü", "n": [1, None]}}

    request = server.requests[-1]
    assert (request.method, request.path) == ("POST", "/data-proxy/v1/execute")
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body)["action_id"] == "GMAIL_ECHO"


def test_user_is_sent(server: LocalVendo, call: Call) -> None:
    call(lambda client: client.for_user(JWT).data.execute("GMAIL_ECHO"))

    assert server.requests[-1].headers["X-Vendo-User-JWT"] == JWT


def test_action_with_a_lost_response_is_executed_once(server: LocalVendo, call: Call) -> None:
    """The response was lost, and the second try has the same idempotency key."""
    runs: list[object] = []

    def count(args: object) -> int:
        runs.append(args)
        return len(runs)

    server.action("GMAIL_COUNT", count)
    server.fail("data", truncate=3)

    assert call(lambda client: client.data.execute("GMAIL_COUNT"), retry=QUICK) == 1
    assert len(runs) == 1
    first, second = server.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_repeated_idempotency_key_executes_once_and_another_body_is_a_conflict(
    server: LocalVendo, call: Call
) -> None:
    def run(n: int) -> Any:
        return call(
            lambda client: client.data.execute("GMAIL_ECHO", {"n": n}, idempotency_key="k-1")
        )

    assert run(1) == run(1)
    with pytest.raises(IdempotencyConflict):
        run(2)


def test_missing_connection_is_named(server: LocalVendo, call: Call) -> None:
    server.disconnect("gmail")
    with pytest.raises(NotConnected) as caught:
        call(echo)

    assert (caught.value.slug, caught.value.code) == ("gmail", "binding_missing")


def test_failing_action_is_an_upstream_error_with_its_own_code(
    server: LocalVendo, call: Call
) -> None:
    def fail(_: object) -> Any:
        raise RuntimeError("the label is gone")

    server.action("GMAIL_FAIL", fail)
    with pytest.raises(UpstreamError) as caught:
        call(lambda client: client.data.execute("GMAIL_FAIL"), retry=QUICK)
    assert caught.value.code == "composio_error"


def test_exhausted_balance_is_an_error(server: LocalVendo, call: Call) -> None:
    server.set_balance(0)
    with pytest.raises(BalanceExhausted):
        call(echo)
    server.set_balance(5_000_000)
    server.set_caps(daily=0)
    with pytest.raises(SpendCapExceeded) as caught:
        call(echo)
    assert caught.value.code == "spend_cap_daily"
    assert 0 < (caught.value.retry_after or 0) <= 86_400
    assert len(server.requests) == 2


def test_rate_limited_call_has_retry_after_and_is_not_retried(
    server: LocalVendo, call: Call
) -> None:
    server.fail("data", code="upstream_rate_limited", retry_after=9)
    with pytest.raises(RateLimited) as caught:
        call(echo, retry=QUICK)
    assert caught.value.retry_after == 9
    assert len(server.requests) == 1


def test_rejected_key_is_an_auth_error(server: LocalVendo, call: Call) -> None:
    server.revoke_key()
    with pytest.raises(AuthError):
        call(echo)


def test_arguments_that_are_not_json_are_an_error_before_sending(
    server: LocalVendo, call: Call
) -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        call(lambda client: client.data.execute("GMAIL_ECHO", {"x": {1, 2}}))
    with pytest.raises(ValidationError, match="idempotency_key"):
        call(lambda client: client.data.execute("GMAIL_ECHO", idempotency_key="a\nb"))
    assert server.requests == []


def test_in_oss_mode_the_call_itself_raises() -> None:
    with pytest.raises(VendoOnlyFeature, match=r"data\.execute"):
        Vendo().data.execute("GMAIL_ECHO")

    async def main() -> None:
        with pytest.raises(VendoOnlyFeature, match=r"data\.execute"):
            await aio.client().data.execute("GMAIL_ECHO")

    asyncio.run(main())
