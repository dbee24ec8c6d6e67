"""The shared part of the adapters: error responses, the connect link, replay protection."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vendo
from vendo import errors, web
from vendo.testing import LocalVendo

KEY = "vendo_sk_" + "k" * 32
OTHER_KEY = "vendo_sk_" + "o" * 32


@pytest.fixture
def client() -> vendo.Vendo:
    return vendo.Vendo(KEY, "https://vendo.example.com")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotConnected("binding_missing", "m", slug="gmail"), 424),
        (errors.NeedsReauth("connection_needs_reauth", "m", slug="gmail"), 424),
        (errors.RateLimited("upstream_rate_limited", "m"), 429),
        (errors.SpendCapExceeded("spend_cap_daily", "m"), 429),
        (errors.BalanceExhausted("balance_exhausted", "m"), 402),
        (errors.IdentityNotPresent("identity_not_present", "m"), 401),
        (errors.UpstreamError("upstream_error", "m"), 502),
        (errors.UpstreamConnectionError("upstream_error", "m"), 502),
        (errors.UpstreamTimeout("upstream_error", "m"), 504),
        (errors.VendoOnlyFeature("vendo_only_feature", "m"), 501),
        (errors.AuthError("app_unknown", "secret detail"), 500),
        (errors.ValidationError("validation_failed", "secret detail"), 500),
        (errors.VendoError("internal_error", "secret detail"), 500),
    ],
)
def test_each_error_has_its_status_and_unexpected_ones_no_detail(
    error: errors.VendoError, status: int
) -> None:
    response = web.error_answer(error, connect_url="/vendo/connect/gmail")

    assert response.status == status
    assert "secret detail" not in json.dumps(response.body)
    assert response.connect_url == ("/vendo/connect/gmail" if status == 424 else None)


def test_missing_connection_has_the_applications_connect_link() -> None:
    error = errors.NotConnected(
        "binding_missing", "not bound", slug="gmail", connect_url="https://x.example/?app_key=k"
    )

    response = web.error_answer(error, connect_url="/vendo/connect/gmail")

    assert response.body == {
        "error": {
            "code": "binding_missing",
            "message": "not bound",
            "slug": "gmail",
            "connect_url": "/vendo/connect/gmail",
        }
    }


def test_malformed_request_gets_the_problem_and_other_errors_their_own_response() -> None:
    malformed = errors.ValidationError("validation_failed", "Not so.", suggested_fix="But so.")

    response = web.refusal(malformed)

    assert response.status == 400
    assert response.body == {
        "error": {"code": "validation_failed", "message": "Not so. Fix: But so."}
    }
    assert web.refusal(errors.AuthError("app_unknown", "secret detail")) == web.error_answer(
        errors.AuthError("app_unknown", "secret detail")
    )


def test_rate_limit_has_retry_after_in_whole_seconds() -> None:
    error = errors.RateLimited("upstream_rate_limited", "slow down", retry_after=1.2)

    assert web.error_answer(error).headers == {"Retry-After": "2"}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML; q=1", True),
        ("application/problem+json", False),
    ],
)
def test_browsers_are_recognized_by_their_accept_header(accept: str | None, expected: bool) -> None:
    assert web.prefers_html(accept) is expected


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "https://app.example.com@evil.example/",
        "https://app.example.com.evil.example/",
        "javascript:alert(1)",
        "ftp://app.example.com/",
        "/a\nb",
        "https://[",
        "relative",
    ],
)
def test_foreign_addresses_are_not_own(address: str) -> None:
    with pytest.raises(vendo.ValidationError):
        web.checked_next(address, ["app.example.com"])


@pytest.mark.parametrize("address", ["/", "/a?b=c#d", "https://APP.example.com/x"])
def test_own_addresses_are_kept(address: str) -> None:
    assert web.checked_next(address, ["app.example.com"]) == address


def test_without_an_address_a_user_returns_to_the_start() -> None:
    assert web.checked_next(None, []) == "/"


@given(st.text())
def test_any_text_is_an_own_address_or_an_error(address: str) -> None:
    try:
        taken = web.checked_next(address, ["app.example.com"])
    except vendo.ValidationError:
        return
    assert urlsplit(taken).netloc.lower() in {"", "app.example.com"}


def _leave(client: vendo.Vendo) -> tuple[web.LeaveToConnect, str]:
    leaving = web.leave_to_connect(
        client, "gmail", return_to="https://app.example.com/back", next_address="/inbox"
    )
    return leaving, parse_qs(urlsplit(leaving.url).query)["state"][0]


def test_returning_user_is_sent_to_the_requested_page(client: vendo.Vendo) -> None:
    leaving, state = _leave(client)

    assert urlsplit(leaving.url).path == "/connections/connect/gmail"
    assert web.return_from_connect(client, state, leaving.cookie) == ("gmail", "/inbox")


def test_the_redirect_shows_neither_key_nor_cookie_in_its_repr(client: vendo.Vendo) -> None:
    leaving, _ = _leave(client)

    assert KEY not in repr(leaving)
    assert leaving.cookie not in repr(leaving)


def test_another_browser_cannot_finish_a_connect_flow(client: vendo.Vendo) -> None:
    _, state = _leave(client)

    for cookie in (None, "", "another"):
        with pytest.raises(vendo.ValidationError):
            web.return_from_connect(client, state, cookie)


def test_two_tabs_share_a_cookie_and_both_return(client: vendo.Vendo) -> None:
    first, first_state = _leave(client)
    second = web.leave_to_connect(
        client,
        "slack",
        return_to="https://app.example.com/back",
        next_address="/channels",
        cookie=first.cookie,
    )

    assert second.cookie == first.cookie
    assert web.return_from_connect(client, first_state, second.cookie) == ("gmail", "/inbox")


@pytest.mark.parametrize("cookie", ["", "short", "x" * 33, "é" * 32, "a; b" * 8])
def test_foreign_cookie_is_replaced(client: vendo.Vendo, cookie: str) -> None:
    leaving = web.leave_to_connect(
        client,
        "gmail",
        return_to="https://app.example.com/back",
        next_address="/",
        cookie=cookie,
    )

    assert leaving.cookie != cookie
    assert len(leaving.cookie) == 32


def test_state_of_another_deployment_is_an_error(client: vendo.Vendo) -> None:
    leaving, state = _leave(client)

    with pytest.raises(vendo.ValidationError):
        web.return_from_connect(vendo.Vendo(OTHER_KEY), state, leaving.cookie)


def test_expired_state_is_an_error(client: vendo.Vendo, monkeypatch: pytest.MonkeyPatch) -> None:
    leaving, state = _leave(client)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + web.CONNECT_SECONDS + 1)

    with pytest.raises(vendo.ValidationError):
        web.return_from_connect(client, state, leaving.cookie)


@given(st.text())
def test_other_states_are_an_error(text: str) -> None:
    client = vendo.Vendo(KEY)
    for state in (text, text + ".", "." + text, base64.urlsafe_b64encode(text.encode()).decode()):
        with pytest.raises(vendo.ValidationError):
            web.return_from_connect(client, state, "cookie")


def test_event_is_handled_once_and_again_after_a_failure() -> None:
    seen = web.SeenIds()

    assert seen.claim("evt_1")
    assert not seen.claim("evt_1")
    seen.release("evt_1")
    assert seen.claim("evt_1")


def test_replay_protection_is_bounded_in_number_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    seen = web.SeenIds(10.0, capacity=3)
    for number in range(5):
        seen.claim(str(number))

    assert list(seen._until) == ["2", "3", "4"]
    now += 11
    assert seen.claim("4")
    assert list(seen._until) == ["4"]


def test_providers_have_display_names_and_unknown_ones_their_slug() -> None:
    assert web.provider_name("Gmail") == "Gmail"
    assert web.provider_name("openai") == "OpenAI"
    assert web.provider_name("in-house") == "in-house"


def test_base_url_of_a_provider_is_from_the_environment_or_the_catalog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert web.provider_base_url("Gmail") == "https://gmail.googleapis.com"
    assert web.provider_base_url("in-house") is None
    monkeypatch.setenv("GMAIL_BASE_URL", "http://127.0.0.1:8000/gmail/")
    assert web.provider_base_url("gmail") == "http://127.0.0.1:8000/gmail"
    monkeypatch.setenv("GMAIL_BASE_URL", "gmail.example.com")
    with pytest.raises(vendo.ValidationError, match="GMAIL_BASE_URL"):
        web.provider_base_url("gmail")


def test_only_a_dated_token_that_came_from_vendo_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = {"gmail": {}, "openai": {"token": "sk-fixed", "lifetime": None}}
    with LocalVendo(connections=connections) as server, server.client() as client:
        assert not web.token_expires("gmail", client)  # nothing is cached yet
        client.tokens(["gmail", "openai"])

        assert web.token_expires("Gmail", client)
        assert not web.token_expires("openai", client)
        assert not web.token_expires("gmail")  # the default client has no key
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", "mine")
        assert not web.token_expires("gmail", client)
