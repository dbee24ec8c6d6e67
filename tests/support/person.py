"""What a person does on a page, and what they wait for."""

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
    """All that can be read on the page."""
    return browser.find_element(By.TAG_NAME, "body").text


def wait_for(browser: Chrome, text: str) -> None:
    """Wait until a text can be read on the page."""
    waiting(browser).until(lambda _: text in text_of(browser), text)


def wait_until_at(browser: Chrome, path: str) -> None:
    """Wait until the page is the one with this path."""
    waiting(browser).until(lambda _: urlsplit(browser.current_url).path == path, path)


def follow(browser: Chrome, text: str) -> None:
    """Follow a link, once there is one."""
    _find(browser, By.LINK_TEXT, text).click()


def press(browser: Chrome, text: str) -> None:
    """Press a button that leads away from the page, and wait until it has."""
    button = _find(browser, By.XPATH, f"//button[normalize-space()='{text}']")
    # The driver may lose the page while it waits for what the click does; the page tells.
    with suppress(WebDriverException):
        button.click()
    waiting(browser).until(staleness_of(button), text)


def waiting(browser: Chrome) -> WebDriverWait[Chrome]:
    """A wait that goes on while the page that is asked is about to be left for another."""
    return WebDriverWait(browser, 30, ignored_exceptions=[WebDriverException])


def _find(browser: Chrome, by: str, value: str) -> WebElement:
    return waiting(browser).until(lambda _: browser.find_element(by, value), value)
