"""The application's own link that leads a user to the page on which they connect a provider."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Request, current_app, url_for
from werkzeug.urls import iri_to_uri

from vendo.web import current_page
from vendo_flask.context import current_request

#: The key of `app.extensions` with the name under which the blueprint is registered.
BLUEPRINT = "vendo_blueprint"


def connect_link(slug: str) -> str | None:
    """Return the link to the view `connect`, which contains no key.

    The user comes back to the page that they are on in the current request.

    Args:
        slug: the provider.

    Returns:
        A path; None where the application does not have the view.
    """
    name = current_app.extensions.get(BLUEPRINT)
    if name is None:
        return None
    link = url_for(f"{name}.connect", slug=slug)
    request = current_request()
    return link if request is None else f"{link}?{urlencode({'next': _page_of(request)})}"


def _page_of(request: Request) -> str:
    parts = urlsplit(iri_to_uri(request.url))
    return current_page(
        request.method,
        f"{parts.path}?{parts.query}" if parts.query else parts.path,
        accept=request.headers.get("Accept"),
        referer=request.headers.get("Referer"),
        own_host=request.host,
    )
