"""The claims on the way of a user to Vendo's page and back."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest
import time_machine

import vendo
from support.connect_flow import FOREIGN_ADDRESSES, KEY, Browser, signed_state
from vendo import web
from vendo.testing import LocalVendo


class StoreThatIsAway:
    """A replay store whose server is down."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any) -> None:
            raise ConnectionError

        return fail


def forged(page: str, key: str, host: str = "app.example.com") -> str:
    """Return a state that somebody made who has this key."""
    return signed_state(["gmail", page, time.time(), "number"], key, host)


def test_a_forged_state_is_rejected() -> None:
    browser = Browser()
    state = browser.leave()
    for key in (KEY, "", "x" * 32):
        for visitor in (browser, Browser()):
            assert visitor.is_rejected(forged("/inbox", key))
    payload, _, signature = state.partition(".")
    assert browser.is_rejected(f"{forged('/x', '').partition('.')[0]}.{signature}")
    assert browser.is_rejected(payload)


def test_a_rule_that_returns_anything_but_true_lets_no_user_connect() -> None:
    client = Browser().client
    web.check_may_connect(client, "gmail", allowed=True, identity=None)
    for returned in (False, None, 1, "yes", object(), ("Log in", 401)):
        with pytest.raises(web.ConnectForbidden):
            web.check_may_connect(client, "gmail", allowed=returned, identity=None)


def test_a_visitor_who_may_not_connect_changes_nothing_on_the_way_back() -> None:
    with LocalVendo(connections=["gmail"]) as server, server.client() as client:
        browser = Browser(client=client)
        browser.leave()
        (secret,) = browser.cookies.values()
        client.token("gmail")
        before = len(server.requests)
        for _ in range(20):
            assert browser.come_back(forged("/inbox", secret), may=False) == "/inbox"
        client.token("gmail")
        assert len(server.requests) == before


def test_a_state_works_in_one_browser() -> None:
    browser = Browser()
    state = browser.leave()
    other = Browser()
    other.leave()

    assert other.is_rejected(state)
    assert Browser().is_rejected(state)
    assert browser.come_back(state) == "/inbox"


def test_a_state_works_once() -> None:
    browser = Browser()
    state = browser.leave()

    assert browser.come_back(state) == "/inbox"
    assert all(browser.is_rejected(state) for _ in range(19))


def test_a_state_ends_after_an_hour() -> None:
    browser = Browser()
    state = browser.leave()

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3602)):
        assert browser.is_rejected(state)


@pytest.mark.parametrize("address", FOREIGN_ADDRESSES)
def test_the_way_back_ends_on_the_applications_own_host(address: str) -> None:
    browser = Browser("http://testserver")
    with pytest.raises(vendo.ValidationError):
        browser.leave(address)
    browser.leave()
    (secret,) = browser.cookies.values()

    assert browser.is_rejected(forged(address, secret))


def test_over_https_no_sibling_domain_can_plant_the_cookie() -> None:
    plain, browser = Browser("http://app.example.com"), Browser()
    plain.leave()
    browser.leave()
    # A browser takes a `__Host-` cookie from this very host alone, and over https.
    assert all(name.startswith("__Host-") for name in browser.cookies)
    planted = dict.fromkeys(plain.cookies, "x" * 32)

    assert Browser(cookies=planted).is_rejected(forged("/inbox", "x" * 32))


def test_over_plain_http_the_cookie_can_be_planted() -> None:
    browser = Browser("http://testserver")
    browser.leave()
    victim = Browser(browser.site, dict.fromkeys(browser.cookies, "x" * 32))

    assert victim.come_back(forged("/inbox", "x" * 32, urlsplit(browser.site).netloc)) == "/inbox"
    for address in FOREIGN_ADDRESSES:
        assert victim.is_rejected(forged(address, "x" * 32, urlsplit(browser.site).netloc))


def test_where_the_replay_store_is_away_a_state_can_be_used_again() -> None:
    browser = Browser(store=StoreThatIsAway())
    state = browser.leave()
    assert [browser.come_back(state) for _ in range(2)] == ["/inbox"] * 2
    assert Browser(store=StoreThatIsAway()).is_rejected(state)

    processes = [Browser(cookies=browser.cookies) for _ in range(2)]
    state = processes[0].leave()
    assert [process.come_back(state) for process in processes] == ["/inbox"] * 2
    assert all(process.is_rejected(state) for process in processes)


def test_a_copied_link_connects_the_account_of_the_user_who_follows_it(server: LocalVendo) -> None:
    holder = Browser(client=server.client())
    server.disconnect("gmail")
    state = holder.leave()
    with urlopen(holder.link) as page:
        shown = page.read().decode()
    action = unescape(re.findall(r'action="([^"]*)"', shown)[0])
    fields = dict(re.findall(r'<input[^>]* name="([^"]*)" value="([^"]*)"', shown))
    form = urlencode({**{k: unescape(v) for k, v in fields.items()}, "decision": "connect"})
    vendos_page = HTTPConnection(urlsplit(server.url).netloc)
    vendos_page.request("POST", action, form)
    assert vendos_page.getresponse().status == 303
    vendos_page.close()

    assert server.client().connections.connected_slugs() == ["openai", "gmail"]
    assert Browser(client=server.client()).is_rejected(state)
