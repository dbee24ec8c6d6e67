"""The framework-free piece of the adapters: error answers, the connect link, repeated webhooks."""

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
def test_each_error_has_its_status_and_the_unforeseen_no_detail(
    error: errors.VendoError, status: int
) -> None:
    answer = web.error_answer(error, connect_url="/vendo/connect/gmail")

    assert answer.status == status
    assert "secret detail" not in json.dumps(answer.body)
    assert answer.connect_url == ("/vendo/connect/gmail" if status == 424 else None)


def test_a_missing_connection_names_the_applications_own_connect_link() -> None:
    error = errors.NotConnected(
        "binding_missing", "not bound", slug="gmail", connect_url="https://x.example/?app_key=k"
    )

    answer = web.error_answer(error, connect_url="/vendo/connect/gmail")

    assert answer.body == {
        "error": {
            "code": "binding_missing",
            "message": "not bound",
            "slug": "gmail",
            "connect_url": "/vendo/connect/gmail",
        }
    }


def test_a_malformed_request_is_told_what_is_wrong_with_it_and_other_errors_stay_as_they_are() -> (
    None
):
    malformed = errors.ValidationError("validation_failed", "Not so.", suggested_fix="But so.")

    answer = web.refusal(malformed)

    assert answer.status == 400
    assert answer.body == {
        "error": {"code": "validation_failed", "message": "Not so. Fix: But so."}
    }
    assert web.refusal(errors.AuthError("app_unknown", "secret detail")) == web.error_answer(
        errors.AuthError("app_unknown", "secret detail")
    )


def test_a_rate_limit_says_when_to_come_back_in_whole_seconds() -> None:
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
def test_browsers_are_told_by_what_they_accept_first(accept: str | None, expected: bool) -> None:
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
def test_no_address_leads_out_of_the_application(address: str) -> None:
    with pytest.raises(vendo.ValidationError):
        web.checked_next(address, ["app.example.com"])


@pytest.mark.parametrize("address", ["/", "/a?b=c#d", "https://APP.example.com/x"])
def test_own_addresses_are_taken_as_they_are(address: str) -> None:
    assert web.checked_next(address, ["app.example.com"]) == address


def test_without_an_address_a_person_comes_back_to_the_start() -> None:
    assert web.checked_next(None, []) == "/"


@given(st.text())
def test_any_text_is_an_own_address_or_refused(address: str) -> None:
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


def test_a_person_who_comes_back_goes_on_to_where_they_wanted(client: vendo.Vendo) -> None:
    leaving, state = _leave(client)

    assert urlsplit(leaving.url).path == "/connections/connect/gmail"
    assert web.return_from_connect(client, state, leaving.cookie) == ("gmail", "/inbox")


def test_the_redirect_shows_neither_key_nor_cookie_in_its_repr(client: vendo.Vendo) -> None:
    leaving, _ = _leave(client)

    assert KEY not in repr(leaving)
    assert leaving.cookie not in repr(leaving)


def test_another_browser_does_not_end_what_this_one_began(client: vendo.Vendo) -> None:
    _, state = _leave(client)

    for cookie in (None, "", "another"):
        with pytest.raises(vendo.ValidationError):
            web.return_from_connect(client, state, cookie)


def test_two_tabs_share_a_cookie_and_come_back_both(client: vendo.Vendo) -> None:
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
def test_a_cookie_that_is_none_of_ours_is_replaced(client: vendo.Vendo, cookie: str) -> None:
    leaving = web.leave_to_connect(
        client,
        "gmail",
        return_to="https://app.example.com/back",
        next_address="/",
        cookie=cookie,
    )

    assert leaving.cookie != cookie
    assert len(leaving.cookie) == 32


def test_a_state_of_another_deployment_is_refused(client: vendo.Vendo) -> None:
    leaving, state = _leave(client)

    with pytest.raises(vendo.ValidationError):
        web.return_from_connect(vendo.Vendo(OTHER_KEY), state, leaving.cookie)


def test_a_state_is_refused_after_its_time(
    client: vendo.Vendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, state = _leave(client)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + web.CONNECT_SECONDS + 1)

    with pytest.raises(vendo.ValidationError):
        web.return_from_connect(client, state, leaving.cookie)


@given(st.text())
def test_any_other_state_is_refused(text: str) -> None:
    client = vendo.Vendo(KEY)
    for state in (text, text + ".", "." + text, base64.urlsafe_b64encode(text.encode()).decode()):
        with pytest.raises(vendo.ValidationError):
            web.return_from_connect(client, state, "cookie")


def test_an_event_is_handled_once_and_again_where_handling_it_failed() -> None:
    seen = web.SeenIds()

    assert seen.claim("evt_1")
    assert not seen.claim("evt_1")
    seen.release("evt_1")
    assert seen.claim("evt_1")


def test_what_was_seen_is_bounded_in_number_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    seen = web.SeenIds(10.0, capacity=3)
    for number in range(5):
        seen.claim(str(number))

    assert list(seen._until) == ["2", "3", "4"]
    now += 11
    assert seen.claim("4")
    assert list(seen._until) == ["4"]


def test_providers_have_names_for_people_and_the_unknown_their_slug() -> None:
    assert web.provider_name("Gmail") == "Gmail"
    assert web.provider_name("openai") == "OpenAI"
    assert web.provider_name("in-house") == "in-house"


def test_the_base_url_of_a_provider_is_the_environments_or_else_the_catalogs(
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
