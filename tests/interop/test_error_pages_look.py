"""The error pages work on phones, in dark mode, by keyboard, with screen readers."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By

import vendo
from support.looks import (
    barriers,
    emulate,
    focus_stops,
    foreign_assets,
    scrolls_sideways,
    small_targets,
)
from vendo import errors, web
from vendo._catalog import catalog

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.slow, pytest.mark.browser]

_LINK = "/api/vendo/connect/gmail/?next=%2Finbox"
_MISSING = errors.NotConnected("binding_missing", "Not connected.", slug="gmail")
_FORBIDDEN = web.ConnectForbidden(
    "connect_forbidden", "You may not connect Gmail.", suggested_fix="Ask a user who may."
)
_UNKNOWN = errors.IdentityNotPresent(
    "identity_not_present",
    "Sign in to connect Gmail.",
    suggested_fix="Sign in, then connect the provider again.",
)
_LONG = "a-provider-with-a-rather-long-name-that-does-not-fit-on-a-phone"


def _page(error: errors.VendoError, link: str | None = None, **options: Any) -> web.ErrorPage:
    return web.error_page(error, web.error_response(error, connect_url=link), **options)


def _request_page(error: errors.VendoError) -> web.ErrorPage:
    return web.error_page(error, web.request_error_response(error))


def _oss_mode() -> errors.NotConnected:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("VENDO_API_KEY", "VENDO_TOKEN_GMAIL", *catalog.env_vars("gmail")):
            patch.delenv(name, raising=False)
        with pytest.raises(errors.NotConnected) as caught:
            vendo.Vendo().token("gmail")
    return caught.value


@pytest.fixture(scope="module")
def pages() -> dict[str, web.ErrorPage]:
    """Return each kind of page."""
    missing = _oss_mode()
    return {
        "missing": _page(_MISSING, _LINK),
        "missing, long": _page(
            errors.NeedsReauth("connection_needs_reauth", "Connect again.", slug=_LONG), _LINK
        ),
        "denied": _page(_MISSING, _LINK, query="vendo_connect=denied&slug=gmail"),
        "may not connect": _page(_MISSING, _LINK, blocked=_FORBIDDEN),
        "has to sign in": _page(_MISSING, _LINK, blocked=_UNKNOWN),
        "OSS mode": _page(missing),
        "OSS mode, debug": _page(missing, debug=True),
        "401": _request_page(_UNKNOWN),
        "403": _request_page(_FORBIDDEN),
        "400": _request_page(
            errors.ValidationError(
                "validation_failed",
                "This connect link was used before.",
                suggested_fix="Start again from the application.",
            )
        ),
        "429": _page(errors.RateLimited("upstream_rate_limited", "Slow down.", retry_after=30)),
        "500": _page(errors.VendoError("internal_error", "Not shown.")),
    }


#: Those with a button.
CONNECTABLE = ("missing", "missing, long", "denied")


def opened(browser: Chrome, page: web.ErrorPage) -> None:
    html = b64encode(page.html().encode()).decode()
    browser.get(f"data:text/html;base64,{html}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_error_pages_have_no_accessibility_barrier(
    pages: dict[str, web.ErrorPage], browser: Chrome, width: int, dark: bool
) -> None:
    emulate(browser, width=width, dark=dark)
    grounds = set()
    for name, page in pages.items():
        opened(browser, page)
        assert barriers(browser) == [], name
        assert not scrolls_sideways(browser), name
        assert small_targets(browser) == [], name
        assert foreign_assets(browser) == [], name
        body = browser.find_element(By.TAG_NAME, "body")
        grounds.add(body.value_of_css_property("background-color"))
    assert grounds == {"rgba(13, 17, 23, 1)" if dark else "rgba(255, 255, 255, 1)"}


def test_the_keyboard_reaches_the_button_and_nothing_else(
    pages: dict[str, web.ErrorPage], browser: Chrome
) -> None:
    emulate(browser, width=320)
    for name, page in pages.items():
        opened(browser, page)
        expected = [f"Connect {page.name}"] if name in CONNECTABLE else []
        assert focus_stops(browser) == expected, name


def test_error_pages_say_what_is_missing_and_go_nowhere_by_themselves(
    pages: dict[str, web.ErrorPage], browser: Chrome
) -> None:
    for page in pages.values():
        opened(browser, page)
        (heading,) = browser.find_elements(By.TAG_NAME, "h1")
        assert heading.text == browser.title == page.title
        assert page.text in browser.find_element(By.TAG_NAME, "main").text
        assert not browser.find_elements(By.CSS_SELECTOR, "script, meta[http-equiv], iframe")


def test_the_variable_to_set_is_on_the_page_for_developers_alone(
    pages: dict[str, web.ErrorPage], browser: Chrome
) -> None:
    variable = catalog.env_vars("gmail")[0]
    opened(browser, pages["OSS mode, debug"])
    assert variable in browser.find_element(By.TAG_NAME, "main").text
    opened(browser, pages["OSS mode"])
    assert variable not in browser.page_source
