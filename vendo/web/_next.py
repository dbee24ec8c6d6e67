"""The page of the application that a user of the connect flow comes back to."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from vendo import errors
from vendo.errors import invalid
from vendo.web._error_responses import prefers_html

#: What `after_denial` adds, as the page's program reads it.
_DENIED = "denied"
_MARK = re.compile(r"(?:^|&)vendo_connect=denied&slug=[^&]*")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def checked_next(address: str | None, own_hosts: Collection[str]) -> str:
    """Return where a user goes on to: a path of the application, or an address on its own hosts.

    Args:
        address: what the request asks for; empty stands for `/`.
        own_hosts: the application's hosts as in addresses, with the port if there is one.

    Raises:
        ValidationError: it leads elsewhere.
    """
    if not address:
        return "/"
    if address.isprintable() and "\\" not in address:
        if address.startswith("/") and not address.startswith("//"):
            return address
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = None
        if (
            parts is not None
            and parts.scheme in _DEFAULT_PORTS
            and _host(parts.netloc, parts.scheme)
            in {_host(host, parts.scheme) for host in own_hosts}
        ):
            return address
    raise invalid(
        "next= leads to another host than the application's.",
        fix="Give a path such as /settings, or an address on the application's own host.",
    )


def _host(netloc: str, scheme: str) -> str:
    return netloc.lower().removesuffix(_DEFAULT_PORTS[scheme])


def current_page(
    method: str | None, address: str, *, accept: str | None, referer: str | None, own_host: str
) -> str:
    """Return the page that the user of a request is on, for coming back to it.

    That is the request's own address where a browser loads a page, else the page that sent the
    request.

    Args:
        method: the request's method; None for a WebSocket.
        address: the request's path and query.
        accept: its `Accept` header.
        referer: its `Referer` header.
        own_host: the application's host as in addresses.
    """
    is_read = method in {"GET", "HEAD"}
    if is_read and prefers_html(accept):
        return without_denial(address)
    try:
        page = checked_next(referer, [own_host])
    except errors.ValidationError:
        page = "/"
    return without_denial(address if is_read and page == "/" else page)


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
