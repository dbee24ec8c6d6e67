"""A page of another site uses the local server from a real browser: a popup, and `fetch`."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By

from support.user import press, wait_for, wait_until_at, waiting
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

PAGE = (
    "<!doctype html><html lang='en'><title>Another site</title><script>window.heard = [];"
    "addEventListener('message', event => heard.push([event.origin, event.data]))</script>"
)


class Site(BaseHTTPRequestHandler):
    """Serve the page at each path. At `/secretive` it does not tell other sites its address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if self.path == "/secretive":
            self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://localhost:{served.server_port}"
        served.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["openai"]) as running:
        yield running


@contextmanager
def popup(browser: Chrome, link: str) -> Iterator[str]:
    """Open a link as a popup. Its page has the focus inside the block."""
    opener = browser.current_window_handle
    browser.execute_script("window.open(arguments[0], 'connect', 'popup')", link)
    waiting(browser).until(lambda _: len(browser.window_handles) == 2)
    (handle,) = set(browser.window_handles) - {opener}
    browser.switch_to.window(handle)
    yield handle
    browser.switch_to.window(opener)


def heard(browser: Chrome) -> list[Any]:
    return waiting(browser).until(lambda _: browser.execute_script("return window.heard"))


@pytest.mark.parametrize("path", ["/", "/secretive"])
def test_popup_reports_the_connection_and_closes(
    server: LocalVendo, browser: Chrome, site: str, path: str
) -> None:
    browser.get(site + path)
    client = server.client()
    with popup(browser, client.connect_url("gmail", state="s t&ü")) as handle:
        browser.find_element(By.XPATH, "//button[text()='Connect']").click()
        waiting(browser).until(lambda _: handle not in browser.window_handles)
    row = client.connections.get("gmail")
    message = {
        "type": "vendo:connection-completed",
        "connectionId": row and row.id,
        "slug": "gmail",
        "state": "s t&ü",
    }
    assert heard(browser) == [[server.url, message]]


def test_denied_popup_reports_nothing_and_stays(
    server: LocalVendo, browser: Chrome, site: str
) -> None:
    browser.get(site)
    with popup(browser, server.client().connect_url("gmail")):
        press(browser, "Deny")
        wait_for(browser, "Gmail was not connected.")
    assert browser.execute_script("return window.heard") == []


def test_popup_with_a_return_address_goes_there(
    server: LocalVendo, browser: Chrome, site: str
) -> None:
    browser.get(site)
    with popup(browser, server.client().connect_url("gmail", return_to=f"{site}/back")):
        press(browser, "Connect")
        wait_until_at(browser, "/back")
        assert "status=connected" in browser.current_url
    assert browser.execute_script("return window.heard") == []


def test_page_that_no_other_page_opened_stays(server: LocalVendo, browser: Chrome) -> None:
    browser.get(server.client().connect_url("gmail"))
    press(browser, "Connect")
    wait_for(browser, "Gmail is connected.")
    assert "You can close this page." in browser.page_source


def test_pages_may_fetch_what_the_platform_opens_to_them(
    server: LocalVendo, browser: Chrome, site: str
) -> None:
    browser.get(site)
    fetch = """
        const [url, key, done] = arguments;
        fetch(url, {headers: {Authorization: `Bearer ${key}`}})
            .then(response => done(response.status), error => done(error.name));
    """

    def status(path: str) -> Any:
        return browser.execute_async_script(fetch, server.url + path, server.api_key)

    assert status("/api/billing/balance") == 200
    assert status("/providers/openai/v1/models") == 200
    assert status("/providers/gmail/gmail/v1/users/me/profile") == 401
    assert status("/api/deployments/me/connections") == "TypeError"
    assert status("/credentials/openai") == "TypeError"
