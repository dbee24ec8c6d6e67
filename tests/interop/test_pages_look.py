"""The local server's pages work on phones, in dark mode, by keyboard, with screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support.looks import (
    barriers,
    emulate,
    focus_stops,
    foreign_assets,
    scrolls_sideways,
    small_targets,
)
from support.user import waiting
from testing.local_http import send
from testing.test_pages import Page, luminance
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LONG = "https://an-application-with-a-rather-long-name.and-a-long-host.example.com/back"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["gmail", "openai", "slack"]) as running:
        running.set_status("openai", "needs_reauth")
        running.set_status("slack", "revoked")
        yield running


def pages(server: LocalVendo) -> dict[str, str]:
    """Return the URL of each kind of page."""
    connect = f"{server.url}/connections/connect/stripe"
    key = {"app_key": server.api_key}
    return {
        "index": f"{server.url}/",
        "index, filtered": f"{server.url}/?q=google",
        "index, nothing found": f"{server.url}/?q=nothing-like-it",
        "consent": f"{connect}?{urlencode({**key, 'return_to': LONG})}",
        "consent, to stay": f"{connect}?{urlencode(key)}",
        "no key": connect,
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_have_no_accessibility_barrier(
    server: LocalVendo, browser: Chrome, width: int, dark: bool
) -> None:
    emulate(browser, width=width, dark=dark)
    for name, url in pages(server).items():
        browser.get(url)
        assert barriers(browser) == [], name
        assert not scrolls_sideways(browser), name
        assert small_targets(browser) == [], name
        assert foreign_assets(browser) == [], name


def test_user_connects_with_the_keyboard_alone(server: LocalVendo, browser: Chrome) -> None:
    emulate(browser, width=1280)
    browser.get(server.client().connect_url("stripe"))
    assert focus_stops(browser)[:3] == ["Local Vendo", "Connect", "Deny"]
    browser.find_element(By.XPATH, "//button[text()='Connect']").send_keys(Keys.ENTER)
    waiting(browser).until(lambda _: "is connected" in browser.title)
    assert browser.find_element(By.TAG_NAME, "h1").text == "Stripe is connected."
    assert barriers(browser) == []
    server.disconnect("stripe")


def test_user_filters_the_providers_with_the_keyboard_alone(
    server: LocalVendo, browser: Chrome
) -> None:
    emulate(browser, width=320)
    browser.get(server.url)
    stops = focus_stops(browser, 4)
    assert stops[:3] == ["Local Vendo", "Filter by name, slug or category", "Filter"]
    field = browser.find_element(By.ID, "q")
    field.send_keys("google drive", Keys.ENTER)
    waiting(browser).until(lambda _: "q=google+drive" in browser.current_url)
    offered = browser.find_elements(By.CSS_SELECTOR, ".tiles a")
    assert [link.accessible_name for link in offered] == ["Connect Google Drive"]
    assert browser.find_element(By.ID, "q").get_property("value") == "google drive"
    assert focus_stops(browser, 4)[3] == "Show all"


def test_nothing_is_cut_off_or_outside_its_box(server: LocalVendo, browser: Chrome) -> None:
    emulate(browser, width=320)
    browser.get(server.url)
    outside = browser.execute_script(
        "const right = (one) => one.getBoundingClientRect().right;"
        "const edge = right(document.querySelector('.card'));"
        "return [...document.querySelectorAll('.card *')].filter((one) => right(one) >= edge)"
        ".map((one) => one.outerHTML)"
    )
    assert outside == []


def test_links_make_sense_out_of_context(server: LocalVendo) -> None:
    page = Page(send(server.url))
    assert page.text.count("Connect ") >= len(page.links) - 1  # all but the link home


def test_status_is_shown_by_words_and_not_only_by_colour(
    server: LocalVendo, browser: Chrome
) -> None:
    browser.get(server.url)
    tags = {tag.text for tag in browser.find_elements(By.CLASS_NAME, "tag")}
    assert tags == {"connected", "needs reauth", "revoked"}


def test_dark_and_light_pages_have_their_colours(server: LocalVendo, browser: Chrome) -> None:
    luminances = []
    for dark in (False, True):
        emulate(browser, width=1280, dark=dark)
        browser.get(server.url)
        colour = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        red, green, blue = (int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
        luminances.append(luminance(f"{red:02x}{green:02x}{blue:02x}"))
    light, dark_one = luminances
    assert light > 0.8
    assert dark_one < 0.05


def test_accessibility_barriers_are_detected(browser: Chrome) -> None:
    emulate(browser, width=320)
    browser.get(
        "data:text/html,<meta name=viewport content='width=device-width'><title>t</title>"
        "<style>:focus{outline:0}</style>"
        "<p style='color:%23aaa;width:900px'>Pale and wide</p><button>x</button>"
    )
    rules = {found.split(":")[0] for found in barriers(browser)}
    assert {"color-contrast", "html-has-lang"} <= rules
    assert scrolls_sideways(browser)
    assert len(small_targets(browser)) == 1
    with pytest.raises(AssertionError):
        focus_stops(browser)
