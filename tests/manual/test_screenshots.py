"""The manual's pictures show the current pages.

A picture stores the words of the page that it shows, and a digest of its style. If the page has
changed since, take the picture again with `VENDO_TAKE_PICTURES=1`.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By

from manual.blocks import ROOT
from support.examples import running
from support.looks import emulate
from support.user import press, text_of, wait_for, waiting
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from selenium.webdriver import Chrome

IMAGES = ROOT / "docs" / "images"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: The keyword of the PNG chunk that stores the page's words.
KEYWORD = b"Description"
MOST_BYTES = 100_000


@contextmanager
def connect_page(browser: Chrome) -> Iterator[None]:
    """Open the page on which a user connects a provider."""
    with LocalVendo() as server:
        client = server.client()
        browser.get(client.connect_url("gmail", return_to="https://app.example.com/mail"))
        yield


@contextmanager
def local_index(browser: Chrome) -> Iterator[None]:
    """Open the home page of the local server, with connections."""
    with LocalVendo(["gmail", "openai", "slack"]) as server:
        server.set_status("slack", "needs_reauth")
        browser.get(server.url)
        yield


def mailbox(name: str, path: str, status: str) -> Callable[[Chrome], AbstractContextManager[None]]:
    """Return what opens a page of an example, signed in and connected."""

    @contextmanager
    def opened(browser: Chrome) -> Iterator[None]:
        with running(name) as url:
            browser.get(f"{url}__vendo/auth/login")
            browser.get(f"{url}api/vendo/connect/gmail/")
            press(browser, "Connect")
            waiting(browser).until(lambda _: "connection.connected" in _reloaded(browser, url))
            browser.get(url + path)
            wait_for(browser, status)
            yield

    return opened


def _reloaded(browser: Chrome, url: str) -> str:
    browser.get(url)
    wait_for(browser, "Gmail is connected.")
    return text_of(browser)


#: Name -> what it shows, its width and greatest height in CSS pixels, and whether it is dark.
PICTURES: dict[str, tuple[Callable[[Chrome], AbstractContextManager[None]], int, int, bool]] = {
    "connect.png": (connect_page, 720, 700, False),
    "connect-phone.png": (connect_page, 360, 700, True),
    "local-vendo.png": (local_index, 720, 700, False),
    "example-django.png": (mailbox("django", "inbox/", "5 messages"), 720, 560, False),
    "example-flask.png": (mailbox("flask", "inbox/?q=review", "2 messages"), 720, 800, False),
    "example-fastapi.png": (mailbox("fastapi", "", "connection.connected"), 720, 800, False),
}


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_shows_the_current_page(name: str, browser: Chrome) -> None:
    show, width, most, dark = PICTURES[name]
    emulate(browser, width=width, dark=dark)
    with show(browser):
        drawn = _drawn(browser)
        if os.environ.get("VENDO_TAKE_PICTURES"):
            (IMAGES / name).write_bytes(_described(_taken(browser, width, most), drawn))
    assert _description(IMAGES / name) == drawn, "take the picture again with VENDO_TAKE_PICTURES=1"


def test_every_picture_is_taken_by_a_test() -> None:
    assert {path.name for path in IMAGES.glob("*.png")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_small_and_used_with_alternative_text(name: str) -> None:
    assert (IMAGES / name).stat().st_size <= MOST_BYTES
    alternatives = [
        found[1]
        for page in (ROOT / "docs").rglob("*.md")
        for found in re.finditer(
            rf"!\[([^\]]*)\]\((?:\.\./)?images/{re.escape(name)}\)",
            page.read_text(encoding="utf-8"),
        )
    ]
    assert alternatives
    assert all(len(text) > 20 for text in alternatives)


def _drawn(browser: Chrome) -> str:
    """Return the words of the page, without ports and times, and a digest of its style."""
    text = browser.find_element(By.TAG_NAME, "body").text
    text = re.sub(r"\d+:\d+(:\d+)?", "0:0", text)
    style = browser.execute_script(
        "return [...document.querySelectorAll('style')].map((e) => e.textContent).join('')"
        "+ [...document.styleSheets].filter((sheet) => sheet.href)"
        ".flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText)).join('')"
    )
    digest = hashlib.sha256(style.encode()).hexdigest()[:16]
    return f"{' '.join(text.split())} [{digest}]"


def _taken(browser: Chrome, width: int, most: int) -> bytes:
    content = "Math.ceil(document.body.lastElementChild.getBoundingClientRect().bottom)"
    height = min(most, browser.execute_script(f"return {content}") + 8)
    height += height % 2  # so that each row of pixels is a whole one
    size = {"width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    return browser.get_screenshot_as_png()


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert png.startswith(SIGNATURE)
    at = len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _described(png: bytes, text: str) -> bytes:
    """Return the picture with a text in it, without other metadata."""
    described = KEYWORD + b"\0\0\0\0\0" + text.encode()
    kept = [(kind, data) for kind, data in _chunks(png) if kind in {b"IHDR", b"PLTE", b"IDAT"}]
    pixels = zlib.decompress(b"".join(data for kind, data in kept if kind == b"IDAT"))
    head = [(kind, data) for kind, data in kept if kind != b"IDAT"]
    chunks = [*head, (b"iTXt", described), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _description(path: Path) -> str:
    for kind, data in _chunks(path.read_bytes()):
        if kind == b"iTXt" and data.startswith(KEYWORD):
            return data[len(KEYWORD) + 5 :].decode()
    raise AssertionError(f"{path.name} has no description")
