"""The way of a user who connects a provider, and what does not end it."""

from __future__ import annotations

import base64
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vendo
from vendo import web

KEY = "vendo_sk_" + "k" * 32
OTHER_KEY = "vendo_sk_" + "o" * 32


@pytest.fixture
def client() -> vendo.Vendo:
    return vendo.Vendo(KEY, "https://vendo.example.com")


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
def test_own_addresses_are_accepted_unchanged(address: str) -> None:
    assert web.checked_next(address, ["app.example.com"]) == address


def test_without_an_address_a_user_comes_back_to_the_start() -> None:
    assert web.checked_next(None, []) == "/"


@given(st.text())
def test_any_text_is_an_own_address_or_an_error(address: str) -> None:
    try:
        taken = web.checked_next(address, ["app.example.com"])
    except vendo.ValidationError:
        return
    assert urlsplit(taken).netloc.lower() in {"", "app.example.com"}


def _start(
    client: vendo.Vendo,
    slug: str = "gmail",
    next_address: str = "/inbox",
    cookie: str | None = None,
    headers: object = None,
) -> web.ConnectRedirect:
    return web.start_connect(
        client,
        slug,
        headers=headers or {},
        return_to="https://app.example.com/back",
        next_address=next_address,
        own_host="app.example.com",
        cookie=cookie,
    )


def _finish(client: vendo.Vendo, state: str, cookie: str | None) -> str:
    return web.finish_connect(client, client, state=state, cookie=cookie)


def _leave(client: vendo.Vendo) -> tuple[web.ConnectRedirect, str]:
    leaving = _start(client)
    return leaving, parse_qs(urlsplit(leaving.url).query)["state"][0]


def test_a_user_who_comes_back_goes_on_to_the_next_address(client: vendo.Vendo) -> None:
    leaving, state = _leave(client)

    assert urlsplit(leaving.url).path == "/connections/connect/gmail"
    assert _finish(client, state, leaving.cookie) == "/inbox"


def test_the_redirect_shows_neither_key_nor_cookie_in_its_repr(client: vendo.Vendo) -> None:
    leaving, _ = _leave(client)

    assert KEY not in repr(leaving)
    assert leaving.cookie not in repr(leaving)


def test_another_browser_cannot_finish(client: vendo.Vendo) -> None:
    _, state = _leave(client)

    for cookie in (None, "", "another"):
        with pytest.raises(vendo.ValidationError):
            _finish(client, state, cookie)


def test_two_tabs_share_a_cookie_and_both_come_back(client: vendo.Vendo) -> None:
    first, first_state = _leave(client)
    second = _start(client, "slack", "/channels", first.cookie)

    assert second.cookie == first.cookie
    assert _finish(client, first_state, second.cookie) == "/inbox"


@pytest.mark.parametrize("cookie", ["", "short", "x" * 33, "é" * 32, "a; b" * 8])
def test_a_foreign_cookie_is_replaced(client: vendo.Vendo, cookie: str) -> None:
    leaving = _start(client, cookie=cookie)

    assert leaving.cookie != cookie
    assert len(leaving.cookie) == 32


def test_a_state_of_another_deployment_is_rejected(client: vendo.Vendo) -> None:
    leaving, state = _leave(client)

    with pytest.raises(vendo.ValidationError):
        _finish(vendo.Vendo(OTHER_KEY), state, leaving.cookie)


def test_a_state_expires(client: vendo.Vendo, monkeypatch: pytest.MonkeyPatch) -> None:
    leaving, state = _leave(client)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + web.CONNECT_SECONDS + 1)

    with pytest.raises(vendo.ValidationError):
        _finish(client, state, leaving.cookie)


@given(st.text())
def test_any_other_state_is_rejected(text: str) -> None:
    client = vendo.Vendo(KEY)
    for state in (text, text + ".", "." + text, base64.urlsafe_b64encode(text.encode()).decode()):
        with pytest.raises(vendo.ValidationError):
            _finish(client, state, "cookie")


def test_behind_the_proxy_only_signed_in_users_may_connect(
    client: vendo.Vendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_AUTH", "1")
    with pytest.raises(vendo.IdentityNotPresent):
        _start(client)
    identity = {
        "X-Vendo-User-Id": "5f0c1a9e",
        "X-Vendo-User-Email": "ada@example.com",
        "X-Vendo-Tenant-Id": "tenant-1",
        "X-Vendo-Role": "member",
    }
    assert _start(client, headers=identity).url


def test_the_next_address_is_checked_when_leaving(client: vendo.Vendo) -> None:
    with pytest.raises(vendo.ValidationError, match="next= leads"):
        _start(client, next_address="https://evil.example/")


def test_the_cookie_is_for_this_browser_and_for_an_hour(client: vendo.Vendo) -> None:
    redirect = _start(client)

    assert redirect.cookie_arguments(is_https=True) == {
        "key": web.CONNECT_COOKIE,
        "value": redirect.cookie,
        "max_age": 3600,
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
    }
    assert redirect.cookie_arguments(is_https=False)["secure"] is False


@pytest.mark.parametrize(
    ("method", "accept", "referer", "page"),
    [
        ("GET", "text/html", "https://app.example.com/other", "/here?a=b"),
        (
            "GET",
            "application/json",
            "https://app.example.com/other",
            "https://app.example.com/other",
        ),
        ("GET", "application/json", "https://evil.example/", "/here?a=b"),
        ("GET", None, None, "/here?a=b"),
        ("POST", "text/html", "https://app.example.com/form", "https://app.example.com/form"),
        ("POST", "text/html", "https://evil.example/", "/"),
        ("POST", "text/html", None, "/"),
        (None, None, None, "/"),
    ],
)
def test_a_user_comes_back_to_the_page_they_are_on(
    method: str | None, accept: str | None, referer: str | None, page: str
) -> None:
    found = web.current_page(
        method, "/here?a=b", accept=accept, referer=referer, own_host="app.example.com"
    )
    assert found == page
