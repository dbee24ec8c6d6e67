"""The way of a user who connects a provider, and what does not end it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vendo
from support.connect_flow import KEY, Browser, signed_state
from vendo import VendoIdentity, web
from vendo.testing import LocalVendo
from vendo.web import _connect, _next

SITE = "https://app.example.com/api/vendo"


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
        "https://app.example.com:444/",
        "javascript:alert(1)",
        "ftp://app.example.com/",
        "/a\nb",
        "/\t/evil.example",
        "https://[",
        "relative",
    ],
)
def test_no_address_leads_out_of_the_application(address: str) -> None:
    with pytest.raises(vendo.ValidationError):
        _next.checked_next(address, ["app.example.com"])


@pytest.mark.parametrize(
    "address",
    ["/", "/a?b=c#d", "https://APP.example.com/x", "https://app.example.com:443/", "/..//evil"],
)
def test_own_addresses_are_accepted_unchanged(address: str) -> None:
    assert _next.checked_next(address, ["app.example.com"]) == address


def test_without_an_address_a_user_comes_back_to_the_start() -> None:
    assert _next.checked_next(None, []) == "/"


@given(st.text())
def test_any_text_is_an_own_address_or_an_error(address: str) -> None:
    try:
        taken = _next.checked_next(address, ["app.example.com"])
    except vendo.ValidationError:
        return
    assert urlsplit(taken).netloc.lower() in {"", "app.example.com"}


@pytest.fixture
def browser(client: vendo.Vendo) -> Browser:
    return Browser(client=client)


@pytest.mark.parametrize("status", ["connected", None])
def test_a_user_who_comes_back_goes_on_to_the_next_address(
    browser: Browser, status: str | None
) -> None:
    assert browser.come_back(browser.leave(), status) == "/inbox"


@pytest.mark.parametrize(
    ("page", "after"),
    [
        ("/inbox", "/inbox?vendo_connect=denied&slug=gmail"),
        ("/inbox?q=a%20b#top", "/inbox?q=a%20b&vendo_connect=denied&slug=gmail#top"),
        ("https://app.example.com/x", "https://app.example.com/x?vendo_connect=denied&slug=gmail"),
        (
            "/inbox?vendo_connect=denied&slug=slack",
            "/inbox?vendo_connect=denied&slug=gmail",
        ),
    ],
)
@pytest.mark.parametrize("status", ["refused", "denied", ""])
def test_after_a_denial_the_page_can_tell(
    browser: Browser, page: str, after: str, status: str
) -> None:
    assert browser.come_back(browser.leave(next_address=page), status) == after
    assert _next.denied_slug(urlsplit(after).query) == "gmail"


def test_a_later_connection_removes_the_mark_of_a_denial(browser: Browser) -> None:
    page = "/inbox?a=b&vendo_connect=denied&slug=gmail#top"

    assert browser.come_back(browser.leave(next_address=page)) == "/inbox?a=b#top"


@given(st.text(alphabet="/?&=#%ab;.:", max_size=20), st.sampled_from(["gmail", "a_b-c"]))
def test_the_mark_of_a_denial_leaves_the_rest_of_an_address_as_it_is(tail: str, slug: str) -> None:
    address = "/x" + tail
    marked = _next.after_denial(address, slug)

    assert _next.denied_slug(urlsplit(marked).query) == slug
    assert urlsplit(marked).path == urlsplit(address).path
    pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    assert parse_qsl(urlsplit(marked).query, keep_blank_values=True)[:-2] == pairs


def test_the_redirect_shows_neither_key_nor_cookie_in_its_repr(client: vendo.Vendo) -> None:
    redirect = web.start_connect(
        client, "gmail", own_url=f"{SITE}/connect/gmail/", query={}, cookies={}
    )

    assert KEY not in repr(redirect)
    assert redirect.cookie["value"] not in repr(redirect)


def test_the_api_key_signs_no_state(browser: Browser) -> None:
    """Each browser that connects gets the key, so a state that it signs proves nothing."""
    browser.leave()
    for cookie in ("", sha256(b"").hexdigest(), *browser.cookies.values()):
        claims = {"slug": "gmail", "next": "https://evil.example/", "browser": cookie}
        payload = base64.urlsafe_b64encode(
            json.dumps({**claims, "until": 4102444800}).encode()
        ).decode()
        signed = f"vendo connect state:app.example.com:{payload}".encode()
        forged = f"{payload}.{hmac.digest(KEY.encode(), signed, 'sha256').hex()}"
        for cookies in ({}, browser.cookies):
            assert Browser(client=browser.client, cookies=cookies).is_rejected(forged)


@pytest.mark.parametrize("key", [KEY, "", "a" * 32])
def test_a_state_of_this_form_that_another_key_signed_is_rejected(
    browser: Browser, key: str
) -> None:
    browser.leave()
    forged = signed_state(["gmail", "https://evil.example/", time.time(), "n"], key)

    assert browser.is_rejected(forged)
    assert Browser(client=browser.client).is_rejected(forged)


def test_next_is_checked_again_on_return(browser: Browser) -> None:
    browser.leave()
    (secret,) = browser.cookies.values()

    for address in ("https://evil.example/", "//evil.example"):
        assert browser.is_rejected(signed_state(["gmail", address, time.time(), "n"], secret))
    assert browser.come_back(signed_state(["gmail", "/x", time.time(), "n"], secret)) == "/x"


@pytest.mark.parametrize("made_at", [4102444800, 0, None, "now", float("nan"), float("inf"), []])
def test_a_state_of_another_time_is_rejected_however_well_signed(
    browser: Browser, made_at: Any
) -> None:
    browser.leave()
    (secret,) = browser.cookies.values()

    assert browser.is_rejected(signed_state(["gmail", "/x", made_at, "n"], secret))


def test_a_state_works_once(browser: Browser) -> None:
    state = browser.leave()

    assert browser.come_back(state) == "/inbox"
    assert all(browser.is_rejected(state) for _ in range(19))


def test_a_denial_uses_the_state_up_too(browser: Browser) -> None:
    state = browser.leave()
    browser.come_back(state, "refused")

    assert browser.is_rejected(state)


def test_another_browser_cannot_finish(browser: Browser) -> None:
    state = browser.leave()
    (name,) = browser.cookies

    for cookies in ({}, {name: ""}, {name: "a" * 32}, {name: "é" * 32}, {"other": "a" * 32}):
        assert Browser(client=browser.client, cookies=cookies, store=browser.store).is_rejected(
            state
        )
    assert browser.come_back(state) == "/inbox"


def test_two_tabs_come_back_in_any_order_also_with_one_provider(browser: Browser) -> None:
    states = {
        slug: browser.leave(slug=slug, next_address=f"/{slug}")
        for slug in ("gmail", "slack", "notion")
    }
    again = browser.leave(slug="gmail", next_address="/again")

    assert browser.come_back(again) == "/again"
    for slug in ("notion", "gmail", "slack"):
        assert browser.come_back(states[slug]) == f"/{slug}"


def test_two_tabs_that_leave_at_the_same_time_come_back(client: vendo.Vendo) -> None:
    tabs = [Browser(client=client), Browser(client=client)]
    states = [tab.leave(slug=slug) for tab, slug in zip(tabs, ("gmail", "slack"), strict=True)]
    jar = {**tabs[0].cookies, **tabs[1].cookies}  # as the browser keeps them

    for state in states:
        assert Browser(client=client, cookies=jar).come_back(state) == "/inbox"


@pytest.mark.parametrize("cookie", ["", "short", "x" * 33, "é" * 32, "a; b" * 8])
def test_a_foreign_cookie_is_replaced(browser: Browser, cookie: str) -> None:
    browser.leave()
    (name,) = browser.cookies
    browser.cookies[name] = cookie
    browser.leave()

    assert browser.cookies[name] != cookie
    assert len(browser.cookies[name]) == 32


def test_a_state_expires(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    state = browser.leave()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + _connect.CONNECT_SECONDS + 1)

    assert browser.is_rejected(state)


@given(st.text())
def test_any_other_state_is_rejected(text: str) -> None:
    browser = Browser(client=vendo.Vendo(KEY))
    browser.leave()
    encoded = base64.urlsafe_b64encode(text.encode()).decode()
    for state in (text, text + ".", "." + text, encoded, f"{encoded}.{encoded}"):
        assert browser.is_rejected(state)


@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b"{}", b"[]", b'["gmail"]', b"[1,2,3,4]", b'["../x","/",1,"n"]']
)
def test_a_malformed_state_is_rejected(browser: Browser, payload: bytes) -> None:
    browser.leave()
    encoded = base64.urlsafe_b64encode(payload).decode()
    for key in (KEY, *browser.cookies.values()):
        signed = f"vendo connect state:app.example.com:{encoded}".encode()
        state = f"{encoded}.{hmac.digest(key.encode(), signed, 'sha256').hex()}"
        assert browser.is_rejected(state)


def test_the_way_ends_on_the_host_where_it_began(browser: Browser) -> None:
    state = browser.leave(next_address="https://app.example.com/inbox")

    browser.site = "https://other.example.com/api/vendo"
    assert browser.is_rejected(state)


def test_a_state_is_of_one_host_also_where_next_is_a_path(browser: Browser) -> None:
    browser.site = "http://app.example.com/api/vendo"
    state = browser.leave()

    browser.site = "http://app.example.com:8080/api/vendo"
    assert browser.is_rejected(state)


def test_a_visitor_who_may_not_connect_changes_nothing() -> None:
    """The visitor chooses the cookie, and signs states with it."""
    with LocalVendo(connections=["gmail"]) as server, server.client() as client:
        store = web.ReplayCache()
        browser = Browser(client=client, store=store)
        token = client.token("gmail")
        before = len(server.requests)
        browser.leave()
        (secret,) = browser.cookies.values()
        for number in range(20):
            forged = signed_state(["gmail", "/x", time.time() + 1, f"{number}"], secret)
            assert browser.come_back(forged, may=False) == "/x"

        assert client.token("gmail") == token
        assert len(server.requests) == before
        assert not store._kept


@pytest.mark.parametrize("number", ["\ud800", "x" * 5000, ""])
def test_any_number_of_a_state_makes_a_short_key(browser: Browser, number: str) -> None:
    browser.leave()
    (secret,) = browser.cookies.values()
    state = signed_state(["gmail", "/x", time.time(), number], secret)
    assert browser.come_back(state) == "/x"
    assert browser.is_rejected(state)
    (key,) = browser.store._kept  # type: ignore[attr-defined]
    assert key.isascii()
    assert len(key) < 100


def test_further_hosts_of_the_application_are_accepted_both_ways(browser: Browser) -> None:
    page = "https://www.example.com/inbox"
    with pytest.raises(vendo.ValidationError, match="next= does not lead"):
        browser.leave(next_address=page)
    hosts: dict[str, Any] = {"own_hosts": ["www.example.com", "other.example.com"]}
    headers = {"Referer": "https://www.example.com/"}
    state = browser.leave(next_address=page, headers=headers, **hosts)
    assert browser.come_back(state, **hosts) == page


@pytest.mark.parametrize(
    "referer", ["https://evil.example/", "https://other.example.com/", "https://[", "x"]
)
def test_a_way_that_did_not_begin_on_another_host_does_not_end_there(
    browser: Browser, referer: str
) -> None:
    hosts: dict[str, Any] = {"own_hosts": ["www.example.com", "other.example.com"]}
    page = "https://www.example.com/inbox"
    state = browser.leave(next_address=page, headers={"Referer": referer}, home="/shop/", **hosts)
    assert browser.come_back(state, **hosts) == "/shop/"


def test_without_next_the_way_ends_on_the_first_page_of_the_application(browser: Browser) -> None:
    assert browser.come_back(browser.leave(next_address=None)) == "/"
    assert browser.come_back(browser.leave(next_address="", home="/shop/")) == "/shop/"


def test_over_https_the_way_does_not_end_on_plain_http(browser: Browser) -> None:
    with pytest.raises(vendo.ValidationError):
        browser.leave(next_address="http://app.example.com/inbox")


@pytest.mark.parametrize("letter", ["a", "é", "\U0001f40d"])
def test_an_address_is_refused_when_leaving_where_it_is_too_long_to_come_back_to(
    browser: Browser, letter: str
) -> None:
    longest = "/" + letter * (2047 // len(letter.encode()))
    assert browser.come_back(browser.leave(next_address=longest)) == longest
    with pytest.raises(vendo.ValidationError, match="longer than"):
        browser.leave(next_address=longest + letter)


def test_a_denial_never_leads_to_the_connect_page_by_itself(browser: Browser) -> None:
    for page in ("/api/vendo/connect/gmail/", "/api/vendo/connect/slack/?next=/x"):
        assert browser.come_back(browser.leave(next_address=page)) == "/"
    page = "/x/../api/vendo/connect/gmail/"  # as the browser understands it
    back = browser.come_back(browser.leave(next_address=page), "refused")
    query = dict(parse_qsl(urlsplit(back).query))

    with pytest.raises(vendo.ValidationError, match="Gmail was not connected"):
        web.start_connect(
            browser.client, "gmail", own_url=f"{SITE}/connect/gmail/", query=query, cookies={}
        )


def test_in_oss_mode_there_is_no_way(browser: Browser) -> None:
    browser.client = vendo.Vendo("byok")
    with pytest.raises(vendo.VendoOnlyFeature):
        browser.leave()
    with pytest.raises(vendo.VendoOnlyFeature):
        browser.come_back("x")


def test_the_cookie_is_for_this_browser_this_host_and_an_hour(client: vendo.Vendo) -> None:
    redirect = web.start_connect(
        client, "gmail", own_url=f"{SITE}/connect/gmail/", query={}, cookies={}
    )
    arguments = dict(redirect.cookie)

    assert arguments.pop("value")
    assert str(arguments.pop("key")).startswith(f"__Host-{_connect.CONNECT_COOKIE}_")
    assert arguments == {
        "max_age": 3600,
        "path": "/",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
    }
    plain = SITE.replace("https", "http")
    redirect = web.start_connect(
        client, "gmail", own_url=f"{plain}/connect/gmail/", query={}, cookies={}
    )
    assert redirect.cookie["secure"] is False
    assert redirect.cookie["key"].startswith(f"{_connect.CONNECT_COOKIE}_")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Proto": "HTTPS, http"},
        {"Sec-Fetch-Site": "same-origin"},  # browsers send it over https alone
    ],
)
def test_an_application_that_does_not_know_of_its_https_says_so(
    browser: Browser, headers: dict[str, str]
) -> None:
    assert browser.leave(headers=headers)
    browser.site = SITE.replace("https", "http")
    with pytest.raises(vendo.ValidationError, match="reached over https"):
        browser.leave(headers=headers)


def test_an_application_that_does_not_know_its_host_says_so(browser: Browser) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Referer": "https://app.example.com/inbox"}
    assert browser.leave(headers=headers)
    browser.site = "https://127.0.0.1:8000"
    with pytest.raises(vendo.ValidationError, match=r"not reached at 127\.0\.0\.1:8000"):
        browser.leave(headers=headers)


@pytest.mark.parametrize(
    ("site", "headers"),
    [
        (SITE, {"Sec-Fetch-Site": "same-origin", "Referer": "https://APP.example.com/"}),
        (
            "https://a.example:443",
            {"Sec-Fetch-Site": "same-origin", "Referer": "https://a.example/"},
        ),
        (SITE, {"Sec-Fetch-Site": "same-site", "Referer": "https://www.example.com/"}),
        (SITE, {"Sec-Fetch-Site": "cross-site", "Referer": "https://other.example/"}),
        (SITE, {"Sec-Fetch-Site": "same-origin", "Referer": "https://["}),
        (SITE, {"Referer": "https://other.example/"}),
        ("http://app.example.com", {}),
        ("http://app.example.com", {"X-Forwarded-Proto": "http"}),
        # To their own machine browsers send it over http too.
        ("http://localhost:8000", {"Sec-Fetch-Site": "same-origin"}),
        ("http://[::1]:8000", {"Sec-Fetch-Site": "none"}),
    ],
)
def test_other_headers_say_nothing_about_the_address(
    browser: Browser, site: str, headers: dict[str, str]
) -> None:
    browser.site = site
    assert browser.come_back(browser.leave(headers=headers)) == "/inbox"


def test_over_https_a_cookie_that_another_host_could_set_does_not_count(
    client: vendo.Vendo,
) -> None:
    plain = Browser(client=client, site=SITE.replace("https", "http"))
    state = plain.leave()

    plain.site = SITE
    assert plain.is_rejected(state)


def test_a_return_forgets_the_old_token_and_keeps_one_fetched_since_the_state_was_made() -> None:
    with LocalVendo(connections=["gmail"]) as server, server.client() as client:
        browser = Browser(client=client)
        old = client.token("gmail")
        state, replayed = browser.leave(), browser.leave()
        server.rotate("gmail")
        browser.come_back(state)
        new = client.token("gmail")
        assert new != old

        before = len(server.requests)
        browser.come_back(replayed)
        assert client.token("gmail") == new
        assert len(server.requests) == before


def test_after_a_denial_no_token_is_forgotten() -> None:
    with LocalVendo(connections=["gmail"]) as server, server.client() as client:
        browser = Browser(client=client)
        client.token("gmail")
        before = len(server.requests)
        browser.come_back(browser.leave(), "refused")
        client.token("gmail")

        assert len(server.requests) == before


OWNER = VendoIdentity("u", "u@example.com", "", "t", "owner")
VIEWER = VendoIdentity("u", "u@example.com", "", "t", "viewer")


@pytest.mark.parametrize("auth", [None, "1"])
@pytest.mark.parametrize("identity", [None, VIEWER, OWNER])
@pytest.mark.parametrize("allowed", [..., True, False])
def test_who_may_connect(
    client: vendo.Vendo,
    auth: str | None,
    identity: VendoIdentity | None,
    allowed: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VENDO_AUTH", raising=False)
    if auth:
        monkeypatch.setenv("VENDO_AUTH", auth)
    expected: type[vendo.VendoError] | None
    if allowed is not ...:  # it alone decides
        expected = None if allowed else web.ConnectForbidden
        if auth and identity is None and not allowed:
            expected = vendo.IdentityNotPresent  # signing in may help
    elif auth is None:
        expected = web.ConnectForbidden
    elif identity is None:
        expected = vendo.IdentityNotPresent
    else:
        expected = web.ConnectForbidden if identity is VIEWER else None

    if expected is None:
        web.check_may_connect(client, "gmail", allowed=allowed, identity=identity)
        return
    with pytest.raises(expected) as caught:
        web.check_may_connect(client, "gmail", allowed=allowed, identity=identity)
    assert web.request_error_response(caught.value).status in {401, 403}
    assert "Gmail" in caught.value.message


def test_a_view_without_a_rule_logs_why_it_is_closed(
    client: vendo.Vendo, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_AUTH", raising=False)
    for allowed in (..., False):
        with pytest.raises(web.ConnectForbidden):
            web.check_may_connect(client, "gmail", allowed=allowed, identity=None)

    [record] = caplog.records  # a rule that says no is no mistake
    assert record.getMessage().startswith("The connect view is closed to all users. Fix: ")


HERE, FORM = "https://app.example.com/other", "https://app.example.com/form"


@pytest.mark.parametrize(
    ("method", "sent", "page"),
    [
        ("GET", {"Accept": "text/html", "Referer": HERE}, "/here?a=b"),
        (
            "GET",
            {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Referer": HERE},
            "/here?a=b",
        ),
        (
            "GET",
            {
                "Accept": "application/json",
                "Referer": f"{HERE}?vendo_connect=denied&slug=gmail",
            },
            HERE,
        ),
        ("GET", {"Accept": "text/html", "Sec-Fetch-Dest": "empty", "Referer": HERE}, HERE),
        ("GET", {"Accept": "text/html", "HX-Request": "true", "Referer": HERE}, HERE),
        ("GET", {"Accept": "text/html", "Turbo-Frame": "inbox", "Referer": HERE}, HERE),
        (
            "GET",
            {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest", "Referer": HERE},
            HERE,
        ),
        ("GET", {"Accept": "text/html", "HX-Request": "true"}, "/here?a=b"),
        ("GET", {"Accept": "application/json", "Referer": "https://evil.example/"}, "/here?a=b"),
        ("GET", {}, "/here?a=b"),
        ("POST", {"Accept": "text/html", "Referer": FORM}, FORM),
        ("POST", {"Accept": "text/html", "Referer": "https://evil.example/"}, "/"),
        ("POST", {"Accept": "text/html"}, "/"),
        (None, {}, "/"),
    ],
)
def test_a_user_comes_back_to_the_page_they_are_on(
    method: str | None, sent: dict[str, str], page: str
) -> None:
    found = web.current_page(method, "/here?a=b", sent.get, own_host="app.example.com")
    assert found == page


def test_in_oss_mode_nothing_needs_a_permission() -> None:
    client = vendo.Vendo("byok")
    web.check_may_connect(client, "gmail", allowed=..., identity=None)
    with pytest.raises(web.ConnectForbidden):
        web.check_may_connect(client, "gmail", allowed=False, identity=None)


@pytest.mark.parametrize("value", ["no", 1, object(), [1], (True,), {"status": 403}, None])
def test_only_true_lets_a_user_connect(
    client: vendo.Vendo, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """A rule behind a decorator may return the response that asks for a log-in."""
    with caplog.at_level("WARNING", "vendo"), pytest.raises(web.ConnectForbidden):
        web.check_may_connect(client, "gmail", allowed=value, identity=OWNER)
    assert ("Return True or False" in caplog.text) is (value is not None)


def test_the_nearest_of_several_links_is_taken() -> None:
    own = "https://a.example.com/staff/page"
    links = ["https://b.example.com/staff/connect/", "/connect/", "/staff/connect/", "/x/connect/"]

    assert web.nearest_link(links, own) == "/staff/connect/"
    assert web.nearest_link(links[:2], own) == "/connect/"
    assert web.nearest_link(links[:1], own) == links[0]
    assert web.nearest_link(["//evil.example/connect/"], own) is None
    assert web.nearest_link([], own) is None


@pytest.mark.parametrize("length", [2040, 4000])
def test_a_page_with_a_long_address_can_be_come_back_to(length: int) -> None:
    how: dict[str, Any] = {"own_host": "app.example.com"}
    header = {"Accept": "text/html"}.get
    query = "?q=" + "a" * length
    found = web.current_page("GET", "/here" + query, header, **how)
    assert found == ("/here" + query if length == 2040 else "/here")
    far = "/" + "a" * length * 2
    assert web.current_page("GET", far, header, **how, home="/shop/") == "/shop/"
