"""Check how a page works for users: on phones, in dark mode, by keyboard, read aloud."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

#: The size of a thumb, in CSS pixels (WCAG, "Target Size (Enhanced)").
THUMB = 44

_AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


def emulate(browser: Chrome, *, width: int, dark: bool = False) -> None:
    """Emulate a device of this width, in dark or light mode."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def barriers(browser: Chrome) -> list[str]:
    """Return the accessibility problems that axe-core finds, one line per rule.

    Raises:
        AssertionError: axe-core could not run the rules that matter here.
    """
    browser.execute_script(_AXE)
    found: dict[str, Any] = browser.execute_async_script(
        "const done = arguments[0];"
        "axe.run(document, {resultTypes: ['violations']})"
        ".then(done, (error) => done({error: String(error)}))"
    )
    assert "error" not in found, found
    checked = {rule["id"] for rule in found["passes"] + found["violations"]}
    assert {"color-contrast", "document-title", "html-has-lang"} <= checked
    return [
        f"{rule['id']}: {', '.join(node['html'] for node in rule['nodes'])}"
        for rule in found["violations"]
    ]


def scrolls_sideways(browser: Chrome) -> bool:
    """Return True if the page is wider than the screen."""
    page = "document.documentElement"
    return bool(browser.execute_script(f"return {page}.scrollWidth > {page}.clientWidth"))


def foreign_assets(browser: Chrome) -> list[str]:
    """Return the URLs that the page has loaded from other hosts."""
    names: list[str] = browser.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    own = urlsplit(browser.current_url).netloc
    return [name for name in names if urlsplit(name).netloc not in {"", own}]


def small_targets(browser: Chrome) -> list[str]:
    """Return buttons, inputs and links on their own line that are too small for a thumb."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('button, input:not([type=hidden]), a[href]')]"
        ".filter((e) => getComputedStyle(e).display !== 'inline')"
        f".filter((e) => e.getBoundingClientRect().height < {THUMB})"
        ".filter((e) => e.getBoundingClientRect().right > 0)"
        ".map((e) => e.outerHTML)"
    )
    return found


def focus_stops(browser: Chrome, most: int = 20) -> list[str]:
    """Return the names of the elements that the Tab key reaches, in order, until it wraps around.

    Raises:
        AssertionError: something that has the focus does not show it.
    """
    browser.execute_script("document.activeElement.blur()")
    stops: list[str] = []
    while len(stops) < most:
        browser.switch_to.active_element.send_keys(Keys.TAB)
        element = browser.switch_to.active_element
        if element == browser.find_element(By.TAG_NAME, "body"):
            break
        outline = browser.execute_script(
            "const style = getComputedStyle(document.activeElement);"
            "return [style.outlineStyle, parseFloat(style.outlineWidth)]"
        )
        assert outline[0] != "none", element.accessible_name
        assert outline[1] >= 2, element.accessible_name
        stops.append(element.accessible_name)
    return stops
