"""The application's own link that leads a user to the page on which they connect a provider."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import HTTPConnection
from starlette.routing import NoMatchFound

from vendo.web import current_page


def connect_link(slug: str, connection: HTTPConnection) -> str | None:
    """Return the link to the route `connect`, which contains no key.

    Args:
        slug: the provider.
        connection: the user comes back to the page that they are on in this request.

    Returns:
        A path; None where the application does not have the route.
    """
    try:
        path = connection.url_for("vendo:connect", slug=slug).path
    except (NoMatchFound, RuntimeError):  # RuntimeError: without a router
        return None
    return f"{path}?{urlencode({'next': _page_of(connection)})}"


def _page_of(connection: HTTPConnection) -> str:
    url = connection.url
    return current_page(
        connection.scope.get("method"),
        url.path + (f"?{url.query}" if url.query else ""),
        accept=connection.headers.get("accept"),
        referer=connection.headers.get("referer"),
        own_host=url.netloc,
    )
