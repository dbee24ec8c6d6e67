"""How a page looks to the people who use it: on phones, in the dark, by keyboard, read aloud."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

#: A person's thumb, in CSS pixels (WCAG, "Target Size (Enhanced)").
THUMB = 44

_AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


def emulate(browser: Chrome, *, width: int, dark: bool = False) -> None:
    """Have pages drawn as wide as on some device, for those who prefer dark pages or not."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def barriers(browser: Chrome) -> list[str]:
    """What axe-core finds that would stand in somebody's way, rule by rule.

    Raises:
        AssertionError: it could not look at what it is here for.
    """
    browser.execute_script(_AXE)
    found: dict[str, Any] = browser.execute_async_script(
        "const done = arguments[0];"
        "axe.run(document).then(done, (error) => done({error: String(error)}))"
    )
    assert "error" not in found, found
    seen = {rule["id"] for rule in found["passes"] + found["violations"]}
    assert {"color-contrast", "document-title", "html-has-lang"} <= seen
    return [
        f"{rule['id']}: {', '.join(node['html'] for node in rule['nodes'])}"
        for rule in found["violations"]
    ]


def scrolls_sideways(browser: Chrome) -> bool:
    """Whether something is wider than the screen."""
    page = "document.documentElement"
    return bool(browser.execute_script(f"return {page}.scrollWidth > {page}.clientWidth"))


def foreign_assets(browser: Chrome) -> list[str]:
    """What the page has loaded besides itself, from anywhere but its own host."""
    names: list[str] = browser.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    own = urlsplit(browser.current_url).netloc
    return [name for name in names if urlsplit(name).netloc not in {"", own}]


def small_targets(browser: Chrome) -> list[str]:
    """Buttons, boxes and links on a line of their own that are too low for a thumb."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll('button, input:not([type=hidden]), a[href]')]"
        ".filter((e) => getComputedStyle(e).display !== 'inline')"
        f".filter((e) => e.getBoundingClientRect().height < {THUMB})"
        ".filter((e) => e.getBoundingClientRect().right > 0)"
        ".map((e) => e.outerHTML)"
    )
    return found


def focus_stops(browser: Chrome, most: int = 20) -> list[str]:
    """What the Tab key comes to, by name, until it comes round.

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
