"""The live status and the OpenAPI document of the FastAPI example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from support.examples import running
from support.user import follow, press, wait_for, wait_until_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome


@pytest.fixture
def example() -> Iterator[str]:
    with running("fastapi") as url:
        yield url


@pytest.mark.browser
def test_an_open_page_shows_changes_made_in_another(example: str, browser: Chrome) -> None:
    browser.get(example + "__vendo/auth/login")
    wait_for(browser, "Gmail is not connected.")
    page = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get(example)
    wait_for(browser, "Gmail is not connected.")
    follow(browser, "Connect Gmail")
    press(browser, "Connect")
    wait_until_at(browser, "/")
    assert browser.current_url == example
    browser.switch_to.window(page)

    wait_for(browser, "Gmail is connected.")
    wait_for(browser, "connection.connected gmail")


def test_the_openapi_document_has_only_the_mailbox(example: str) -> None:
    document = requests.get(f"{example}openapi.json", timeout=30).json()

    assert list(document["paths"]) == ["/api/messages"]
    (parameter,) = document["paths"]["/api/messages"]["get"]["parameters"]
    assert parameter["name"] == "q"
