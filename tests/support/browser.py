"""A real browser: Debian's Chromium, headless, with a profile of its own."""

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
    "--window-size=1024,768",
)


@contextmanager
def chromium(*arguments: str) -> Iterator[Chrome]:
    """A Chromium that is closed, and its profile removed, at the end."""
    driver_path = shutil.which("chromedriver")
    assert driver_path, "install Debian's packages chromium and chromium-driver, as .ci/run does"
    with TemporaryDirectory() as profile:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in (*_ARGUMENTS, f"--user-data-dir={profile}", *arguments):
            options.add_argument(argument)
        browser = Chrome(options=options, service=ChromeService(driver_path))
        try:
            browser.set_page_load_timeout(30)
            yield browser
        finally:
            browser.quit()
