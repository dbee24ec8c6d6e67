"""Links of the application that lead a person to the page on which they connect a provider."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.routing import NoMatchFound

from vendo import ValidationError
from vendo.web import checked_next, prefers_html


def connect_link(slug: str, connection: HTTPConnection) -> str | None:
    """The application's own address that redirects to the connect page; it holds no key.

    None where the application has no such route. The person comes back to where they are in this
    request.
    """
    try:
        path = connection.url_for("vendo:connect", slug=slug).path
    except (NoMatchFound, RuntimeError):  # RuntimeError: there is no router at all
        return None
    return f"{path}?{urlencode({'next': _here(connection)})}"


def _here(connection: HTTPConnection) -> str:
    """Where a person is who sends this request: the page itself, or the page that sends it."""
    url = connection.url
    path = url.path + (f"?{url.query}" if url.query else "")
    is_read = connection.scope.get("method") in {"GET", "HEAD"}
    if is_read and prefers_html(connection.headers.get("accept")):
        return path
    try:
        page = checked_next(connection.headers.get("referer"), [url.netloc])
    except ValidationError:
        page = "/"
    return path if is_read and page == "/" else page
