"""What becomes of a cached token near its end, in an outage, and under a wrong clock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from vendo import AuthError, NeedsReauth, NotConnected, RetryPolicy, UpstreamError
from vendo._tokens import cache as token_cache
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from core.conftest import Clock

NEAR_THE_END = 3600 - 50.0
AFTER_THE_END = 3600 + 10.0
#: Longer than any of these tests takes, so that a window ends when the clock is put forward.
BACKOFF = 20.0


@pytest.fixture(autouse=True)
def _long_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "FIRST_BACKOFF", BACKOFF)


def test_a_token_is_kept_until_its_last_minute(server: LocalVendo, clock: Clock) -> None:
    client = server.client()
    first = client.token("gmail")
    second = server.rotate("gmail")
    clock.advance(3600 - 60 - 140)
    assert client.token("gmail") == first
    clock.advance(150)
    assert client.token("gmail") == second


def test_a_token_without_a_date_is_kept_fifty_minutes(clock: Clock) -> None:
    with LocalVendo(["gmail"], token_lifetime=None) as server:
        client = server.client()
        first = client.token("gmail")
        second = server.rotate("gmail")
        clock.advance(48 * 60 - 20)
        assert client.token("gmail") == first
        clock.advance(2 * 60 + 30)
        assert client.token("gmail") == second


def test_a_token_of_a_minute_is_not_fetched_at_every_call(clock: Clock) -> None:
    with LocalVendo(["gmail"], token_lifetime=60.0) as server:
        client = server.client()
        for _ in range(4):
            client.token("gmail")
            clock.advance(10)
        assert server.count("credentials") == 1


@pytest.mark.parametrize("offset", [-86_400.0, 86_400.0 * 365])
def test_a_wrong_wall_clock_does_no_harm(clock: Clock, offset: float) -> None:
    """The time left is the server's `expires_at` less the server's `Date`."""
    with LocalVendo(["gmail"], token_lifetime=3600.0) as server:
        server.set_clock_offset(offset)
        client = server.client()
        first = client.token("gmail")
        clock.advance(3600 - 60 - 140)
        assert client.token("gmail") == first
        assert server.count("credentials") == 1
        second = server.rotate("gmail")
        clock.advance(150)
        assert client.token("gmail") == second


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 500},
        {"reset": True},
        {"truncate": 5},
        {"malformed": True},
        {"html": True},
    ],
)
def test_in_an_outage_the_good_token_is_served_and_the_failure_logged(
    server: LocalVendo,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    client = server.client()
    first = client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.clear_requests()
    client.close()  # one that is reset before it answers would be replaced, and tried again
    server.fail("credentials", times=None, **fault)

    with caplog.at_level(logging.DEBUG, "vendo"):
        assert [client.token("gmail") for _ in range(20)] == [first] * 20

    assert server.count("credentials") == 1  # one attempt a back-off window
    [record] = caplog.records
    assert (record.name, record.levelname) == ("vendo", "WARNING")
    assert "gmail" in record.getMessage()
    assert first not in record.getMessage()

    clock.advance(BACKOFF)
    client.close()
    assert [client.token("gmail") for _ in range(20)] == [first] * 20
    assert server.count("credentials") == 2


def test_in_an_outage_tokens_serves_the_good_ones_with_one_attempt(
    server: LocalVendo, clock: Clock
) -> None:
    client = server.client()
    first = client.tokens(["gmail", "slack"])
    clock.advance(NEAR_THE_END)
    server.clear_requests()
    server.fail("credentials", status=502, times=None)
    assert [client.tokens(["gmail", "slack"]) for _ in range(5)] == [first] * 5
    assert server.count("credentials") == 1


def test_a_5xx_of_any_code_leaves_the_good_token(server: LocalVendo, clock: Clock) -> None:
    client = server.client()
    first = client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.fail("credentials", status=503, code="maintenance")
    assert client.token("gmail") == first


def test_a_full_queue_leaves_the_good_token_for_as_long_as_it_asks(
    server: LocalVendo, clock: Clock
) -> None:
    client = server.client()
    first = client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.fail("credentials", status=429, retry_after=30)
    server.clear_requests()
    assert client.token("gmail") == first
    clock.advance(BACKOFF)
    assert client.token("gmail") == first
    assert server.count("credentials") == 1
    clock.advance(10)
    client.token("gmail")
    assert server.count("credentials") == 2


def test_once_the_backend_is_back_the_new_token_is_used(server: LocalVendo, clock: Clock) -> None:
    client = server.client()
    client.token("gmail")
    clock.advance(NEAR_THE_END)
    second = server.rotate("gmail")
    server.fail("credentials", status=503)
    client.token("gmail")
    clock.advance(BACKOFF)
    assert client.token("gmail") == second


def test_an_expired_token_is_not_served_in_an_outage(server: LocalVendo, clock: Clock) -> None:
    client = server.client(retry=RetryPolicy(1))
    client.token("gmail")
    clock.advance(AFTER_THE_END)
    server.fail("credentials", status=503, times=None)
    with pytest.raises(UpstreamError) as caught:
        client.token("gmail")
    assert caught.value.status == 503


def test_a_backend_that_is_gone_is_a_connection_error(clock: Clock) -> None:
    with LocalVendo(["gmail"]) as server:
        client = server.client(retry=RetryPolicy(1))
        first = client.token("gmail")
    clock.advance(NEAR_THE_END)
    assert client.token("gmail") == first
    clock.advance(60)
    with pytest.raises(ConnectionError) as caught:
        client.token("gmail")
    assert isinstance(caught.value, vendo.UpstreamConnectionError)
    assert (caught.value.code, caught.value.status) == ("upstream_error", None)


@pytest.mark.parametrize(
    ("status", "code", "cls"),
    [
        (401, "app_revoked", AuthError),
        (401, "connection_needs_reauth", NeedsReauth),
        (403, "connection_revoked", NotConnected),
        (403, "binding_missing", NotConnected),
        (401, None, AuthError),
        (403, None, vendo.VendoError),
        (500, "profile_unsupported", vendo.VendoError),
    ],
)
def test_a_refusal_drops_the_good_token_and_is_raised(
    server: LocalVendo,
    clock: Clock,
    status: int,
    code: str | None,
    cls: type[vendo.VendoError],
) -> None:
    client = server.client()
    client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.fail("credentials", status=status, code=code)
    with pytest.raises(cls):
        client.token("gmail")
    server.clear_requests()
    client.token("gmail")
    assert server.count("credentials") == 1  # asked again: nothing was kept


def test_a_token_that_was_refused_is_never_fallen_back_to(server: LocalVendo) -> None:
    client = server.client(retry=RetryPolicy(1))
    client._reject("gmail", client.token("gmail"))
    server.fail("credentials", status=503)
    with pytest.raises(UpstreamError):
        client.token("gmail")


def test_what_the_bulk_request_no_longer_hands_out_is_dropped_near_its_end(
    server: LocalVendo, clock: Clock
) -> None:
    client = server.client(retry=RetryPolicy(1))
    client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.disconnect("gmail")
    assert client.tokens(["gmail", "slack"]) == {"gmail": None, "slack": server.token("slack")}
    server.fail("credentials", status=503, times=3)
    with pytest.raises(UpstreamError):  # and no token that is kept for an outage
        client.token("gmail")
