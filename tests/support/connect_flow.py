"""What the tests of the connect flow of all adapters need."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from vendo.web import CONNECT_COOKIE

#: The `Accept` header of browsers.
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

FOREIGN_ADDRESSES = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "/\t/evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
]


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address, of which each name occurs once."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def cookie_of(header: str) -> tuple[str, set[str]]:
    """Return the name of the cookie that a response sets, and its attributes."""
    pair, *attributes = header.split("; ")
    name = pair.partition("=")[0]
    assert CONNECT_COOKIE in name
    return name, {attribute.lower() for attribute in attributes}


def is_page(body: str, *texts: str) -> bool:
    """Return whether a body is an HTML page with these texts."""
    return body.lstrip().lower().startswith("<!doctype html>") and all(
        text in body for text in texts
    )


def button_of(body: str) -> str | None:
    """Return the address of the button of a page, or None."""
    from html import unescape
    from re import search

    found: Any = search(r'<a class="vendo-connect" href="([^"]*)"', body)
    return unescape(found[1]) if found else None
