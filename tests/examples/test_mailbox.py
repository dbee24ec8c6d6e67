"""Each example starts with one command and works in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from support.examples import NAMES, running
from support.looks import emulate
from support.user import follow, press, text_of, wait_for, wait_until_at, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

CONNECT_PAGE = "/connections/connect/gmail"
#: Example -> the paths that its pages fetch. Other examples fetch nothing.
FETCHES = {"fastapi": ["api/", "style.css", "page.js", "home.js", "inbox/inbox.js"]}
#: Example -> paths that need a signed-in user, besides those of the adapter.
PRIVATE = {
    "django": ["inbox/"],
    "fastapi": ["api/messages", "api/vendo/connect/gmail/"],
    "flask": ["inbox/"],
}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def example(name: str) -> Iterator[str]:
    with running(name) as url:
        yield url


@pytest.mark.browser
def test_a_user_connects_gmail_and_reads_their_mail(example: str, browser: Chrome) -> None:
    browser.get(example)
    wait_for(browser, "Sign in to connect your account.")

    follow(browser, "Inbox")
    wait_for(browser, "to read your messages.")
    follow(browser, "Sign in")
    wait_for(browser, "Sam Example")
    wait_for(browser, "Gmail is not connected.")

    # Without a connection, the inbox has a button. After a denial it says so, and goes nowhere.
    follow(browser, "Inbox")
    wait_until_at(browser, "/inbox/")
    follow(browser, "Connect Gmail")
    wait_until_at(browser, CONNECT_PAGE)
    press(browser, "Deny")
    wait_until_at(browser, "/inbox/")
    wait_for(browser, "You did not connect Gmail")
    follow(browser, "Connect Gmail")
    wait_until_at(browser, CONNECT_PAGE)
    browser.get(example)
    wait_for(browser, "Gmail is not connected.")
    follow(browser, "Connect Gmail")
    press(browser, "Connect")
    wait_until_at(browser, "/")
    assert browser.current_url == example
    wait_for(browser, "Gmail is connected.")

    follow(browser, "Read your messages")
    wait_for(browser, "5 messages")
    wait_for(browser, "Your invoice for April")
    search = browser.find_element(By.NAME, "q")
    search.send_keys("review", Keys.ENTER)
    waiting(browser).until(lambda _: "q=review" in browser.current_url)
    wait_for(browser, "2 messages")
    assert browser.find_element(By.NAME, "q").get_attribute("value") == "review"

    def webhook_is_listed(_: object) -> bool:
        browser.get(example)
        wait_for(browser, "Gmail is connected.")
        return "connection.connected gmail" in text_of(browser)

    waiting(browser).until(webhook_is_listed)
    assert "vendo_sk_" not in browser.page_source

    follow(browser, "Sign out")
    wait_for(browser, "Sign in to connect your account.")


@pytest.mark.browser
def test_connecting_returns_to_the_page_that_needed_it(example: str, browser: Chrome) -> None:
    browser.get(f"{example}__vendo/auth/login")
    wait_for(browser, "Gmail is not connected.")
    browser.get(f"{example}inbox/")
    follow(browser, "Connect Gmail")
    wait_until_at(browser, CONNECT_PAGE)
    press(browser, "Connect")
    wait_until_at(browser, "/inbox/")
    assert browser.current_url == f"{example}inbox/"
    wait_for(browser, "5 messages")
    wait_for(browser, "Your invoice for April")


@pytest.mark.browser
def test_pages_work_on_phones_with_keyboards_and_screen_readers(
    example: str, name: str, browser: Chrome
) -> None:
    own = ("data:", *(example + path for path in FETCHES.get(name, [])))
    emulate(browser, width=320, dark=True)
    browser.get(f"{example}__vendo/auth/login")
    _is_accessible(browser, "Gmail is not connected.", own)
    browser.get(f"{example}inbox/")
    follow(browser, "Connect Gmail")
    wait_until_at(browser, CONNECT_PAGE)
    press(browser, "Connect")
    wait_until_at(browser, "/inbox/")
    for path, status in (("", "Gmail is connected."), ("inbox/", "5 messages")):
        browser.get(example + path)
        _is_accessible(browser, status, own)


def _is_accessible(browser: Chrome, status: str, own: tuple[str, ...]) -> None:
    wait_for(browser, status)
    assert not browser.execute_script(
        "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1
    assert browser.find_element(By.CSS_SELECTOR, "[aria-current=page]").text
    assert browser.find_element(By.CSS_SELECTOR, "[role=status]").text == status
    for box in browser.find_elements(By.CSS_SELECTOR, "input:not([type=hidden])"):
        assert box.accessible_name
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    background = browser.execute_script("return getComputedStyle(document.body).background")
    assert "rgb(18, 21, 27)" in background
    loaded: list[str] = browser.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert [asset for asset in loaded if not asset.startswith(own)] == []


def test_forged_identity_headers_are_ignored(example: str, name: str) -> None:
    forged = {
        "X-Vendo-User-Id": "7d3c0f2e",
        "X-Vendo-User-Email": "sam@example.com",
        "X-Vendo-Tenant-Id": "tenant-1",
        "X-Vendo-Role": "owner",
        "X-Vendo-User-JWT": "header-of.sam.signature",
    }
    for path in ["api/vendo/identity", *PRIVATE[name]]:
        response = requests.get(example + path, headers=forged, timeout=30)
        assert response.status_code == 401, path
    assert requests.post(f"{example}api/vendo/webhook/", data=b"{}", timeout=30).status_code == 400


def test_a_websocket_without_a_user_is_closed() -> None:
    with running("fastapi") as url, pytest.raises(InvalidStatus) as caught:
        connect(f"ws{url.removeprefix('http')}api/live")
    assert caught.value.response.status_code in {401, 403}
