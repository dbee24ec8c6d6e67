"""The browser of `demo`: it presses the button of the connect page, and calls a provider."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import ProxyHandler, Request, build_opener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT = 10.0

# Every address is on loopback, where no proxy may be used.
_opener = build_opener(ProxyHandler({}))


def press_connect(url: str) -> str:
    """Open a connect page and press its button. Return the heading of the page that follows."""
    page = _open(url)
    # A browser sends the name and value of the button that was pressed.
    fields = {**page.fields, "decision": "connect"}
    return _open(urljoin(url, page.action), urlencode(fields).encode()).heading


def get_status(url: str, token: str) -> int:
    """Return the HTTP status of a GET with a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    request = Request(url, headers=headers)  # noqa: S310  # the local server of the demo
    try:
        with _opener.open(request, timeout=_TIMEOUT) as response:
            return int(response.status)
    except HTTPError as response:
        with response:
            return int(response.code)


def _open(url: str, body: bytes | None = None) -> _Page:
    with _opener.open(url, body, timeout=_TIMEOUT) as response:
        page = _Page()
        page.feed(response.read().decode())
        return page


class _Page(HTMLParser):
    """A page: its heading, and the target and hidden fields of its form."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.heading = ""
        self.fields: dict[str, str] = {}
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = attributes.get("action", "")
        elif tag == "input":
            self.fields[attributes["name"]] = attributes["value"]
        self._in_heading = tag == "h1"

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self.heading += data
            self._in_heading = False
