"""A real browser: Debian's Chromium, headless, with a profile of its own.

A test takes the fixture `browser` of `tests/conftest.py` and the marker of the same name.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1024,768",
)


@contextmanager
def chromium() -> Iterator[Chrome]:
    """A Chromium that is closed, and its profile removed, at the end."""
    with TemporaryDirectory() as profile:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        service = ChromeService(shutil.which("chromedriver"))
        browser = Chrome(options=options, service=service)
        try:
            browser.set_page_load_timeout(30)
            yield browser
        finally:
            browser.quit()


def forget(browser: Chrome) -> None:
    """Reset a browser: one blank tab, no cookie, permission or emulated device."""
    first, *others = browser.window_handles
    for tab in others:
        browser.switch_to.window(tab)
        browser.close()
    browser.switch_to.window(first)
    browser.get("about:blank")
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Browser.resetPermissions", {})
