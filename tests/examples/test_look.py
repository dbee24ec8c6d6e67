"""The examples' pages are accessible and share one look."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urldefrag, urlsplit

import pytest
from selenium.webdriver.common.by import By

from support.examples import NAMES, running
from support.looks import (
    barriers,
    emulate,
    focus_stops,
    foreign_assets,
    scrolls_sideways,
    small_targets,
)
from support.user import press, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.slow, pytest.mark.browser]

#: The placeholder of content that is still loading.
LOADING = "…"
#: Paths that are not pages: those of the proxy and the APIs.
NOT_PAGES = ("/__vendo/", "/api/", "/docs", "/openapi.json")


@pytest.fixture(scope="module", params=NAMES)
def example(request: pytest.FixtureRequest) -> Iterator[str]:
    with running(request.param) as url:
        yield url


def opened(browser: Chrome, url: str) -> None:
    """Open a page, and wait until its content is loaded."""
    browser.get(url)
    ready = "document.querySelector('[role=status]')?.textContent ?? ''"
    waiting(browser).until(lambda _: LOADING not in browser.execute_script(f"return {ready}"))


@pytest.fixture
def pages(example: str, browser: Chrome) -> list[str]:
    """Find every page that a signed-in user with a connected account can reach."""
    emulate(browser, width=1280)
    browser.get(f"{example}__vendo/auth/login")
    browser.get(f"{example}api/vendo/connect/gmail/")
    press(browser, "Connect")
    found, left = [], [example]
    while left:
        page = left.pop()
        if page in found:
            continue
        opened(browser, page)
        found.append(page)
        # In one script: a live update replaces the links.
        links = browser.execute_script("return [...document.links].map((link) => link.href)")
        left += [
            urldefrag(link).url
            for link in links
            if urlsplit(link).netloc == urlsplit(example).netloc
            and not urlsplit(link).path.startswith(NOT_PAGES)
        ]
    browser.get(f"{example}__vendo/auth/login")
    return found


def test_a_signed_in_user_sees_their_mail(pages: list[str], browser: Chrome) -> None:
    assert len(pages) >= 2
    texts = []
    for page in pages:
        opened(browser, page)
        texts.append(browser.find_element(By.TAG_NAME, "main").text)
    assert any("Your invoice for April" in text for text in texts)
    assert any("Gmail is connected." in text for text in texts)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_are_accessible_at_each_width_and_colour_scheme(
    pages: list[str], browser: Chrome, width: int, dark: bool
) -> None:
    emulate(browser, width=width, dark=dark)
    for page in pages:
        opened(browser, page)
        assert barriers(browser) == [], page
        assert not scrolls_sideways(browser), page
        assert small_targets(browser) == [], page
        assert foreign_assets(browser) == [], page


def test_the_keyboard_reaches_everything_and_can_skip_the_navigation(
    pages: list[str], browser: Chrome
) -> None:
    emulate(browser, width=1280)
    for page in pages:
        opened(browser, page)
        stops = focus_stops(browser)
        assert "skip" in stops[0].lower(), page
        assert all(stops), page


def test_a_signed_out_home_page_is_accessible(example: str, browser: Chrome) -> None:
    emulate(browser, width=320)
    browser.get(f"{example}__vendo/auth/logout")
    opened(browser, example)
    assert barriers(browser) == []
    assert not scrolls_sideways(browser)


def test_the_title_names_the_page_and_the_framework(
    pages: list[str], example: str, browser: Chrome
) -> None:
    titles = []
    for page in pages:
        opened(browser, page)
        titles.append(browser.title)
        brand = browser.find_element(By.CSS_SELECTOR, "header .brand").text
        assert titles[-1].endswith(brand.replace("Mailbox ", "Mailbox, with ")), page
    assert len(set(titles)) == len({urlsplit(page).path for page in pages})


def test_examples_share_their_background_colours(example: str, browser: Chrome) -> None:
    colours = []
    for dark in (False, True):
        emulate(browser, width=1280, dark=dark)
        browser.get(example)
        body = browser.find_element(By.TAG_NAME, "body")
        colours.append(body.value_of_css_property("background-color"))
    assert colours == ["rgba(244, 246, 250, 1)", "rgba(18, 21, 27, 1)"]
