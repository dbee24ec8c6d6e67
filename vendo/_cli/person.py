"""What a person does in a browser, and what a program does at a provider, for the demonstration."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 10.0

# All of it is on loopback, where no proxy leads.
_opener = build_opener(ProxyHandler({}))


def press_connect(url: str) -> str:
    """Open a connect page and press its button. Returns the heading of the page that follows."""
    asked = _page(url)
    # The name and value of the button are what a browser sends when it is pressed.
    fields = {**asked.fields, "decision": "connect"}
    return _page(urljoin(url, asked.action), urlencode(fields).encode()).heading


def status_with(url: str, token: str) -> int:
    """The HTTP status of a GET with a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    request = Request(url, headers=headers)  # noqa: S310  # the demonstration's own http server
    try:
        with _opener.open(request, timeout=_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as answer:
        with answer:
            return int(answer.code)


def _page(url: str, body: bytes | None = None) -> _Page:
    with _opener.open(url, body, timeout=_SECONDS) as answer:
        page = _Page()
        page.feed(answer.read().decode())
        return page


class _Page(HTMLParser):
    """The form of a page: where it goes to, and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.heading = ""
        self.fields: dict[str, str] = {}
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag == "input":
            self.fields[given["name"]] = given["value"]
        self._in_heading = tag == "h1"

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self.heading += data
            self._in_heading = False
