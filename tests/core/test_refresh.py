"""A cached token near its end, in an outage, and with a wrong clock."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from vendo import AuthError, NeedsReauth, NotConnected, RetryPolicy, UpstreamError
from vendo._protocol.secret import Secret
from vendo._tokens import cache as token_cache
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from core.conftest import Clock

NEAR_THE_END = 3600 - 50.0
AFTER_THE_END = 3600 + 10.0
#: Longer than any of these tests, so that a window ends only when the clock is moved.
BACKOFF = 20.0


@pytest.fixture(autouse=True)
def _long_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "FIRST_BACKOFF", BACKOFF)


def test_a_token_is_kept_until_its_last_minute(server: LocalVendo, clock: Clock) -> None:
    client = server.client()
    first = client.token("gmail")
    second = server.rotate("gmail")
    clock.advance(3600 - 60 - 440)
    assert client.token("gmail") == first
    clock.advance(450)
    assert client.token("gmail") == second


def test_a_token_without_a_date_is_kept_fifty_minutes(clock: Clock) -> None:
    with LocalVendo(["gmail"], token_lifetime=None) as server:
        client = server.client()
        first = client.token("gmail")
        second = server.rotate("gmail")
        clock.advance(44 * 60 - 20)
        assert client.token("gmail") == first
        clock.advance(6 * 60 + 30)
        assert client.token("gmail") == second


def test_token_of_a_minute_is_cached(clock: Clock) -> None:
    with LocalVendo(["gmail"], token_lifetime=60.0) as server:
        client = server.client()
        for _ in range(4):
            client.token("gmail")
            clock.advance(10)
        assert server.count("credentials") == 1


@pytest.mark.parametrize("offset", [-86_400.0, 86_400.0 * 365])
def test_wrong_wall_clock_is_tolerated(clock: Clock, offset: float) -> None:
    """The remaining lifetime is the server's `expires_at` minus the server's `Date`."""
    with LocalVendo(["gmail"], token_lifetime=3600.0) as server:
        server.set_clock_offset(offset)
        client = server.client()
        first = client.token("gmail")
        clock.advance(3600 - 60 - 440)
        assert client.token("gmail") == first
        assert server.count("credentials") == 1
        second = server.rotate("gmail")
        clock.advance(450)
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
def test_in_an_outage_the_valid_token_is_served_and_the_failure_logged(
    server: LocalVendo,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    client = server.client()
    first = client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.clear_requests()
    client.close()  # a connection reset before the response would be replaced and retried
    server.fail("credentials", times=None, **fault)

    with caplog.at_level(logging.DEBUG, "vendo"):
        assert [client.token("gmail") for _ in range(20)] == [first] * 20

    assert server.count("credentials") == 1  # one attempt per back-off window
    [record] = caplog.records
    assert (record.name, record.levelname) == ("vendo", "WARNING")
    assert "gmail" in record.getMessage()
    assert first not in record.getMessage()

    clock.advance(BACKOFF)
    client.close()
    assert [client.token("gmail") for _ in range(20)] == [first] * 20
    assert server.count("credentials") == 2


def test_in_an_outage_tokens_serves_the_valid_ones_with_one_attempt(
    server: LocalVendo, clock: Clock
) -> None:
    client = server.client()
    first = client.tokens(["gmail", "slack"])
    clock.advance(NEAR_THE_END)
    server.clear_requests()
    server.fail("credentials", status=502, times=None)
    assert [client.tokens(["gmail", "slack"]) for _ in range(5)] == [first] * 5
    assert server.count("credentials") == 1


def test_any_5xx_keeps_the_valid_token(server: LocalVendo, clock: Clock) -> None:
    client = server.client()
    first = client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.fail("credentials", status=503, code="maintenance")
    assert client.token("gmail") == first


def test_full_queue_keeps_the_valid_token_for_its_retry_after(
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


def test_missing_backend_is_a_connection_error(clock: Clock) -> None:
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
def test_lasting_error_drops_the_valid_token_and_is_raised(
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
    assert server.count("credentials") == 1  # requested again: nothing was cached


def test_rejected_token_is_never_served_again(server: LocalVendo) -> None:
    client = server.client(retry=RetryPolicy(1))
    client._reject("gmail", client.token("gmail"))
    server.fail("credentials", status=503)
    with pytest.raises(UpstreamError):
        client.token("gmail")


def test_rejected_token_is_fetched_again_with_retries_once_in_an_outage(
    server: LocalVendo, clock: Clock
) -> None:
    client = server.client(retry=RetryPolicy(3, backoff=0.0))
    token = Secret(client.token("gmail"))
    client._accept("gmail", token)
    server.fail("credentials", status=503, times=None)
    server.clear_requests()
    assert client._renewed("gmail", token) == token
    assert server.count("credentials") == 3
    clock.advance(token_cache.LONGEST_BACKOFF)
    assert client._renewed("gmail", token) == token
    assert server.count("credentials") == 4


def test_token_missing_in_the_bulk_response_is_dropped_near_its_end(
    server: LocalVendo, clock: Clock
) -> None:
    client = server.client(retry=RetryPolicy(1))
    client.token("gmail")
    clock.advance(NEAR_THE_END)
    server.disconnect("gmail")
    assert client.tokens(["gmail", "slack"]) == {"gmail": None, "slack": server.token("slack")}
    server.fail("credentials", status=503, times=3)
    with pytest.raises(UpstreamError):  # and no token cached for an outage
        client.token("gmail")
