"""What a person does on a page, and what they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def text_of(browser: Chrome) -> str:
    """All that can be read on the page."""
    return browser.find_element(By.TAG_NAME, "body").text


def wait_for(browser: Chrome, text: str) -> None:
    """Wait until a text can be read on the page."""
    _waiting(browser).until(lambda _: text in text_of(browser), text)


def wait_until_at(browser: Chrome, path: str) -> None:
    """Wait until the page is the one with this path."""
    WebDriverWait(browser, 30).until(lambda _: urlsplit(browser.current_url).path == path, path)


def follow(browser: Chrome, text: str) -> None:
    """Follow a link."""
    browser.find_element(By.LINK_TEXT, text).click()


def press(browser: Chrome, text: str) -> None:
    """Press a button that leads away from the page, and wait until it has."""
    button = browser.find_element(By.XPATH, f"//button[normalize-space()='{text}']")
    button.click()
    _waiting(browser).until(staleness_of(button))


def _waiting(browser: Chrome) -> WebDriverWait[Chrome]:
    # The page that is asked may just be about to be left for another.
    return WebDriverWait(browser, 30, ignored_exceptions=[WebDriverException])
