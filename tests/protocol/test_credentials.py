"""Responses of the credentials worker (wire contract, "Credentials worker"), without a socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from support.flows import BASE, Script, caller, response
from vendo import UpstreamError
from vendo._protocol.credentials import Issued, fetch_token, fetch_tokens
from vendo._protocol.moments import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    Play: TypeAlias = Callable[..., Script]

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
DATE = format_datetime(NOW, usegmt=True)


def issued(body: object, play: Play, **headers: str) -> Issued:
    result: Issued = play(response(200, body, **headers)).run(fetch_token(caller(), BASE, "gmail"))
    return result


def test_a_token_is_requested_by_its_slug(play: Play) -> None:
    script = play(response(200, {"access_token": "t", "expires_at": None, "token_type": "Bearer"}))
    script.run(fetch_token(caller(), f"{BASE}/worker", "a_b-c"))

    assert (script.requests[0].method, script.requests[0].url) == ("GET", f"{BASE}/worker/a_b-c")


def test_slug_is_quoted_in_the_path(play: Play) -> None:
    script = play(response(200, {"access_token": "t"}))
    script.run(fetch_token(caller(), BASE, "../a/b?c=d&e#f"))

    assert script.requests[0].url == f"{BASE}/..%2Fa%2Fb%3Fc%3Dd%26e%23f"


@pytest.mark.parametrize("body", [{"access_token": "t"}, {"access_token": "t", "expires_at": None}])
def test_token_without_a_date_does_not_expire(play: Play, body: object) -> None:
    token = issued(body, play, Date=DATE)

    assert (token.token, token.lifetime) == ("t", None)


def test_the_lifetime_is_measured_by_the_servers_clock(play: Play) -> None:
    end = (NOW + timedelta(minutes=30)).isoformat()

    assert issued({"access_token": "t", "expires_at": end}, play, Date=DATE).lifetime == 1800.0


def test_without_the_servers_clock_the_local_clock_is_used(play: Play) -> None:
    end = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()

    lifetime = issued({"access_token": "t", "expires_at": end}, play).lifetime

    assert lifetime == pytest.approx(1800, abs=5)


def test_expired_token_has_a_negative_lifetime(play: Play) -> None:
    end = (NOW - timedelta(seconds=5)).isoformat()

    assert issued({"access_token": "t", "expires_at": end}, play, Date=DATE).lifetime == -5.0


def test_the_lifetime_runs_from_before_the_request_was_sent(play: Play) -> None:
    script = play((7.0, response(200, {"access_token": "t"})))

    assert script.run(fetch_token(caller(), BASE, "gmail")).requested.at == 1000.0


@pytest.mark.parametrize(
    "body",
    [
        [], None, "token", 7, {}, {"access_token": None}, {"access_token": 7}, {"access_token": ""},
        {"access_token": "  "}, {"access_token": ["t"]}, {"access_token": "a\nb"},
        {"access_token": "a\x00b"}, {"access_token": "töken"}, {"access_token": "a\u2028b"},
        {"access_token": "t", "expires_at": 1777723200}, {"access_token": "t", "expires_at": ""},
        {"access_token": "t", "expires_at": "soon"}, {"access_token": "t", "expires_at": {}},
        {"access_token": "t", "expires_at": False},
    ],
)  # fmt: skip
def test_response_of_the_wrong_shape_is_one_typed_error(play: Play, body: object) -> None:
    with pytest.raises(UpstreamError) as caught:
        issued(body, play)

    assert caught.value.code == "upstream_error"
    assert "töken" not in str(caught.value)


def test_no_repr_shows_the_token() -> None:
    assert "canary" not in repr(Issued("canary", 5.0, Moment()))


def test_many_tokens_come_in_one_request_with_encoded_slugs(play: Play) -> None:
    tokens: dict[str, Any] = {"a": {"access_token": "ta", "expires_at": None}, "b": None}
    script = play(response(200, {"tokens": tokens}))
    found = script.run(fetch_tokens(caller(), BASE, ["a", "b", "c,d", "e/f"]))

    assert script.requests[0].url == f"{BASE}/_bulk?slugs=a,b,c%2Cd,e%2Ff"
    assert {slug: token and token.token for slug, token in found.items()} == {
        "a": "ta",
        "b": None,
        "c,d": None,
        "e/f": None,
    }


@pytest.mark.parametrize(
    "body",
    [[], {}, {"tokens": None}, {"tokens": []}, {"tokens": {"a": "t"}}, {"tokens": {"a": {}}}],
)
def test_bulk_response_of_the_wrong_shape_is_one_typed_error(play: Play, body: object) -> None:
    with pytest.raises(UpstreamError):
        play(response(200, body)).run(fetch_tokens(caller(), BASE, ["a"]))
