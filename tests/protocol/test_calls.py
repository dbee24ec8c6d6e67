"""One call to the backend, without a socket: headers, tries, pauses, deadline, redirects."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import pytest

from support.flows import BASE, JWT, KEY, Script, caller, response
from vendo import (
    AuthError,
    RateLimited,
    RetryPolicy,
    UpstreamConnectionError,
    UpstreamError,
    UpstreamTimeout,
    ValidationError,
    VendoError,
    __version__,
)
from vendo._protocol.calls import call

if TYPE_CHECKING:
    from collections.abc import Callable

    Play: TypeAlias = Callable[..., Script]

URL = f"{BASE}/api/things"


def broken() -> UpstreamConnectionError:
    return UpstreamConnectionError("upstream_error", "The connection broke.")


def get(**options: Any) -> Any:
    return call(caller(), "GET", URL, **options)


def test_every_call_carries_the_contracts_headers(play: Play) -> None:
    script = play(response())
    script.run(call(caller(user_jwt=JWT), "GET", URL))

    headers = dict(script.requests[0].headers)
    assert headers.pop("User-Agent").startswith(f"vendo-sdk-python/{__version__} python/3.")
    assert headers == {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {KEY}",
        "Vendo-API-Version": "2026-05-02",
        "X-Vendo-User-JWT": JWT,
    }


def test_without_a_key_and_a_user_neither_is_sent(play: Play) -> None:
    script = play(response())
    script.run(call(caller(api_key=None), "GET", URL))

    assert not {"Authorization", "X-Vendo-User-JWT"} & set(script.requests[0].headers)


@pytest.mark.parametrize("status", [200, 201, 204, 206, 299])
def test_success_is_returned_unchanged(play: Play, status: int) -> None:
    sent = response(status)

    assert play(sent).run(get()) is sent


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_temporary_failure_is_tried_three_times(play: Play, status: int) -> None:
    script = play(response(status), response(status), response(200))
    assert script.run(get()).status == 200

    assert len(script.requests) == 3
    assert 0.25 <= script.pauses[0] <= 0.5
    assert 0.5 <= script.pauses[1] <= 1.0


def test_the_third_failure_is_raised(play: Play) -> None:
    script = play(response(500), broken(), response(503, {"message": "the third"}))
    with pytest.raises(UpstreamError, match="the third"):
        script.run(get())

    assert len(script.requests) == 3


def test_broken_connection_is_retried_and_the_last_error_raised(play: Play) -> None:
    last = broken()
    script = play(broken(), broken(), last)
    with pytest.raises(UpstreamConnectionError) as caught:
        script.run(get())

    assert caught.value is last
    assert caught.value.__context__ is None


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 418, 429, 501, 505])
def test_permanent_error_is_raised_immediately(play: Play, status: int) -> None:
    script = play(response(status))
    with pytest.raises(VendoError):
        script.run(get())

    assert len(script.requests) == 1


def test_a_429_carries_retry_after_and_is_not_retried(play: Play) -> None:
    with pytest.raises(RateLimited) as caught:
        play(response(429, Retry_After="0")).run(get())
    assert caught.value.retry_after == 0

    with pytest.raises(RateLimited) as caught:
        play(response(429, Retry_After="17")).run(get())
    assert caught.value.retry_after == 17


def test_a_500_with_its_own_code_is_not_retried(play: Play) -> None:
    with pytest.raises(VendoError) as caught:
        play(response(500, Vendo_Error_Code="profile_unsupported")).run(get())

    assert caught.value.code == "profile_unsupported"


def test_a_503_with_an_unknown_code_is_retried(play: Play) -> None:
    script = play(response(503, Vendo_Error_Code="overloaded"), response())

    assert script.run(get()).status == 200
    assert len(script.requests) == 2


def test_a_502_with_a_temporary_error_code_is_retried(play: Play) -> None:
    script = play(response(502, Vendo_Error_Code="upstream_error"), response())

    assert script.run(get()).status == 200


def test_invalid_response_is_not_retried(play: Play) -> None:
    script = play(UpstreamError("upstream_error", "larger than 10 MiB"))
    with pytest.raises(UpstreamError, match="larger"):
        script.run(get())

    assert len(script.requests) == 1


def test_a_time_out_is_not_retried(play: Play) -> None:
    script = play(UpstreamTimeout("upstream_error", "No complete response."))
    with pytest.raises(TimeoutError):
        script.run(get())

    assert len(script.requests) == 1


def test_the_policy_sets_the_number_of_attempts(play: Play) -> None:
    once = call(caller(retry=RetryPolicy(1)), "GET", URL)
    with pytest.raises(UpstreamError):
        play(response(500)).run(once)

    script = play(*[response(500)] * 4, response())
    script.run(call(caller(retry=RetryPolicy(5, backoff=0)), "GET", URL))
    assert script.pauses == [0.0] * 4


def test_a_call_may_set_its_own_number_of_tries(play: Play) -> None:
    with pytest.raises(UpstreamError):
        play(response(500)).run(get(attempts=1))


@pytest.mark.parametrize("wait", ["4", "4.0", " 4 "])
def test_retry_after_in_seconds_is_the_minimum_pause(play: Play, wait: str) -> None:
    script = play(response(503, Retry_After=wait), response())
    script.run(get())

    assert script.pauses == [4.0]


def test_retry_after_as_a_date_is_the_minimum_pause(play: Play) -> None:
    date, later = formatdate(1.8e9, usegmt=True), formatdate(1.8e9 + 6, usegmt=True)
    script = play(response(503, Retry_After=later, Date=date), response())
    script.run(get())

    assert script.pauses == [6.0]


@pytest.mark.parametrize("wait", ["nan", "-5", "soon", "", "inf", "0"])
def test_invalid_retry_after_is_ignored(play: Play, wait: str) -> None:
    script = play(response(503, Retry_After=wait), response())
    script.run(get())

    assert 0.25 <= script.pauses[0] <= 0.5


@pytest.mark.parametrize("wait", ["30", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_beyond_the_deadline_is_not_begun(play: Play, wait: str) -> None:
    script = play(response(503, Retry_After=wait))
    with pytest.raises(UpstreamError) as caught:
        script.run(get())

    assert script.pauses == []
    assert caught.value.retry_after


def test_the_deadline_counts_tries_and_pauses(play: Play) -> None:
    policy = RetryPolicy(100, backoff=2.0, max_backoff=2.0)
    script = play(*[(3.0, response(500))] * 100)
    with pytest.raises(UpstreamError):
        script.run(call(caller(timeout=20.0, retry=policy), "GET", URL))

    assert script.clock.now - 1000.0 <= 20.0
    assert [round(request.timeout, 6) for request in script.requests] == [
        round(20.0 - 3.0 * n - sum(script.pauses[:n]), 6) for n in range(len(script.requests))
    ]


def test_each_try_gets_the_remaining_time_and_never_zero(play: Play) -> None:
    redirect = response(307, Location="/other")
    script = play((30.0, redirect), response())
    script.run(get())

    assert script.requests[0].timeout == 30.0
    assert script.requests[1].timeout == 0.001


def test_a_write_keeps_its_idempotency_key_over_the_tries(play: Play) -> None:
    script = play(response(500), broken(), response())
    script.run(call(caller(), "POST", URL, body=b"{}"))

    keys = [request.headers["Idempotency-Key"] for request in script.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert UUID(keys[0]).version == 4
    assert script.requests[2].body == b"{}"
    assert script.requests[2].headers["Content-Type"] == "application/json"


def test_two_writes_have_two_keys(play: Play) -> None:
    script = play(response(), response())
    for _ in range(2):
        script.run(call(caller(), "DELETE", URL))

    assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 2


def test_the_callers_idempotency_key_is_sent_unchanged(play: Play) -> None:
    script = play(response())
    script.run(call(caller(), "POST", URL, idempotency_key="order-7"))

    assert script.requests[0].headers["Idempotency-Key"] == "order-7"


def test_a_read_carries_no_idempotency_key(play: Play) -> None:
    script = play(response())
    script.run(get())

    assert not {"Idempotency-Key", "Content-Type"} & set(script.requests[0].headers)


@pytest.mark.parametrize("key", ["", "a\nb", "ü", "x" * 256, "a\x00", "a\x7f", 7, b"7"])
def test_invalid_idempotency_key_is_an_error_before_sending(play: Play, key: Any) -> None:
    script = play()
    with pytest.raises(ValidationError, match="idempotency_key"):
        script.run(call(caller(), "POST", URL, idempotency_key=key))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["/moved?x=1", "moved?x=1", f"{BASE}/moved?x=1", "https://VENDO.example:443/moved"]
)
def test_a_read_follows_a_redirect_within_the_origin(
    play: Play, status: int, location: str
) -> None:
    script = play(response(status, Location=location), response())
    script.run(get())

    assert script.requests[1].url.lower().startswith("https://vendo.example")
    assert "/moved" in script.requests[1].url
    assert script.requests[1].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://vendo.example/",
        "https://vendo.example:8443/",
        "https://vendo.example.evil.example/",
        "https://other:pass@vendo.example/",
        "ftp://vendo.example/",
        "javascript:alert(1)",
    ],
)
def test_the_key_does_not_follow_a_redirect_to_another_origin(play: Play, location: str) -> None:
    script = play(response(302, Location=location))
    with pytest.raises(UpstreamError, match="another origin") as caught:
        script.run(get())

    assert len(script.requests) == 1
    assert caught.value.status == 302


@pytest.mark.parametrize("location", ["https://vendo.example:port/", "https://[::1"])
def test_redirect_to_an_invalid_address_is_one_clear_error(play: Play, location: str) -> None:
    with pytest.raises(UpstreamError, match="malformed address"):
        play(response(302, Location=location)).run(get())


def test_redirects_in_a_circle_end(play: Play) -> None:
    script = play(*[response(302, Location="/around")] * 10)
    with pytest.raises(UpstreamError, match="too often"):
        script.run(get())

    assert len(script.requests) == 6


def test_redirect_without_an_address_ends(play: Play) -> None:
    with pytest.raises(UpstreamError, match="too often"):
        play(*[response(302)] * 10).run(get())


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_follows_a_redirect_that_keeps_the_method(play: Play, status: int) -> None:
    script = play(response(status, Location="/moved"), response())
    script.run(call(caller(), "POST", URL, body=b"[1]"))

    first, second = script.requests
    assert (second.method, second.body) == ("POST", b"[1]")
    assert second.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirect_does_not_change_a_write_to_a_read(play: Play, status: int) -> None:
    with pytest.raises(UpstreamError, match="redirects a write"):
        play(response(status, Location="/moved")).run(call(caller(), "POST", URL))


def test_an_error_names_the_provider_and_shows_no_secret(play: Play) -> None:
    body = {"error": {"code": "app_revoked", "message": f"Key {KEY} of {JWT} is revoked."}}
    with pytest.raises(AuthError) as caught:
        play(response(401, body)).run(call(caller(user_jwt=JWT), "GET", URL, slug="gmail"))

    assert caught.value.slug == "gmail"
    assert KEY not in str(vars(caught.value))
    assert JWT not in str(vars(caught.value))


def test_no_repr_of_a_caller_request_or_response_shows_the_key_or_the_user(play: Play) -> None:
    who = caller(user_jwt=JWT)
    sent = response(200, {"access_token": "canary"}, Authorization=KEY)
    script = play(sent)
    script.run(call(who, "GET", URL))

    seen = f"{who!r} {script.requests[0]!r} {sent!r}"
    assert "GET https://vendo.example/api/things" in seen
    for secret in (KEY, JWT, "canary"):
        assert secret not in seen


def test_bodies_are_limited_to_ten_mebibytes(play: Play) -> None:
    script = play(response())
    script.run(get())

    assert script.requests[0].max_bytes == 10 * 1024 * 1024
