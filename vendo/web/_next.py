"""The page of the application that a user of the connect flow comes back to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from vendo import errors
from vendo.errors import invalid
from vendo.web._error_responses import prefers_html

#: What `after_denial` adds, as the page's program reads it.
_DENIED = "denied"
#: Sent by scripts that ask for a part of a page. Over http a browser sends no `Sec-Fetch-Dest`.
_OF_SCRIPTS = ("HX-Request", "Turbo-Frame", "X-Requested-With")
#: Bytes. The address travels in the state, whose length platforms and browsers limit.
_MAX_NEXT = 2048
_MARK = re.compile(r"(?:^|&)vendo_connect=denied&slug=[^&]*")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def checked_next(
    address: str | None, own_hosts: Collection[str], *, home: str = "/", is_https: bool = False
) -> str:
    """Return where a user goes on to: a path of the application, or an address on its own hosts.

    Args:
        address: what the request asks for; empty stands for `home`.
        own_hosts: the application's hosts as in addresses, with the port if there is one.
        home: the path of the application's first page.
        is_https: whether the user came over https, and must not go on over http.

    Raises:
        ValidationError: it leads elsewhere, or is too long.
    """
    if not address:
        return home
    if is_too_long(address):
        raise invalid(f"next= is longer than {_MAX_NEXT:,} bytes.", fix="Give a shorter address.")
    schemes = {"https"} if is_https else {"http", "https"}
    if address.isprintable() and "\\" not in address:
        if address.startswith("/") and not address.startswith("//"):
            return address
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = None
        if (
            parts is not None
            and parts.scheme in schemes
            and host_of(parts.netloc, parts.scheme)
            in {host_of(host, parts.scheme) for host in own_hosts}
        ):
            return address
    raise invalid(
        "next= does not lead to a page of this application.",
        fix="Give a path such as /settings, or an address on the application's own host.",
    )


def is_too_long(address: str) -> bool:
    """Return whether an address is too long to come back to."""
    return len(address.encode("utf-8", "replace")) > _MAX_NEXT


def host_of(netloc: str, scheme: str) -> str:
    """Return a host in lower case, without the port that is its scheme's own."""
    return netloc.lower().removesuffix(_DEFAULT_PORTS[scheme])


def current_page(
    method: str | None,
    address: str,
    header: Callable[[str], str | None],
    *,
    own_host: str,
    home: str = "/",
) -> str:
    """Return the page that the user of a request is on, for coming back to it.

    That is the request's own address where a browser loads a page, else the page that sent the
    request, such as that of a script. An address that is too long loses its query.

    Args:
        method: the request's method; None for a WebSocket.
        address: the request's path and query.
        header: returns the value of one of its headers, or None. The case does not matter.
        own_host: the application's host as in addresses.
        home: the path of the application's first page.

    Returns:
        A path with its query, at most 2,048 bytes.

    Example:
        ```python
        from vendo.web import current_page

        headers = {"Accept": "text/html"}
        print(current_page("GET", "/mail?page=2", headers.get, own_host="app.example.com"))
        ```
    """
    is_read = method in {"GET", "HEAD"}
    page = address if is_read else home
    if not (is_read and _loads_page(header)):
        try:
            page = checked_next(header("Referer"), [own_host], home=page)
        except errors.ValidationError:
            pass  # from another site
    page = without_denial(page)
    if is_too_long(page):
        page = page.partition("?")[0]
    return home if is_too_long(page) else page


def _loads_page(header: Callable[[str], str | None]) -> bool:
    """Return whether a browser shows the response as a page, and no script has asked for it."""
    if header("Sec-Fetch-Dest") == "empty" or any(header(name) for name in _OF_SCRIPTS):
        return False
    return prefers_html(header("Accept"))


def after_denial(address: str, slug: str) -> str:
    """Return an address with `vendo_connect=denied&slug=…` added to its query."""
    parts = urlsplit(without_denial(address))
    mark = urlencode({"vendo_connect": _DENIED, "slug": slug})
    query = f"{parts.query}&{mark}" if parts.query else mark
    return urlunsplit(parts._replace(query=query))


def without_denial(address: str) -> str:
    """Return an address without what `after_denial` added."""
    head, hash_mark, fragment = address.partition("#")
    path, question_mark, query = head.partition("?")
    kept = _MARK.sub("", query).lstrip("&")
    return path + (question_mark + kept if kept else "") + hash_mark + fragment


def denied_slug(query: str) -> str | None:
    """Return the provider that a user has just denied, out of the query of their page, or None."""
    found = parse_qs(query)
    if found.get("vendo_connect", [""])[-1] != _DENIED:
        return None
    return found.get("slug", [""])[-1].lower() or None
