"""Act on a page as a user does, and wait for what happens."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement


def text_of(browser: Chrome) -> str:
    """Return the visible text of the page."""
    return browser.find_element(By.TAG_NAME, "body").text


def wait_for(browser: Chrome, text: str) -> None:
    """Wait until the page shows a text."""
    waiting(browser).until(lambda _: text in text_of(browser), text)


def wait_until_at(browser: Chrome, path: str) -> None:
    """Wait until the page is the one with this path."""
    waiting(browser).until(lambda _: urlsplit(browser.current_url).path == path, path)


def follow(browser: Chrome, text: str) -> None:
    """Follow a link as soon as it is there."""
    _find(browser, By.LINK_TEXT, text).click()


def press(browser: Chrome, text: str) -> None:
    """Press a button that leads to another page, and wait until the old page is gone."""
    button = _find(browser, By.XPATH, f"//button[normalize-space()='{text}']")
    # The driver may lose the page during the click; `staleness_of` decides.
    with suppress(WebDriverException):
        button.click()
    waiting(browser).until(staleness_of(button), text)


def waiting(browser: Chrome) -> WebDriverWait[Chrome]:
    """Return a wait that survives a change of pages."""
    return WebDriverWait(browser, 30, ignored_exceptions=[WebDriverException])


def _find(browser: Chrome, by: str, value: str) -> WebElement:
    return waiting(browser).until(lambda _: browser.find_element(by, value), value)
