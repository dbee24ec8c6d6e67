"""Links of the application that lead a person to the page on which they connect a provider."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Request, current_app, url_for
from werkzeug.urls import iri_to_uri

from vendo import ValidationError
from vendo.web import checked_next
from vendo_flask.current import current_request

#: Where an application keeps the name under which it registered the blueprint.
BLUEPRINT = "vendo_blueprint"


def connect_link(slug: str) -> str | None:
    """The application's own address that redirects to the connect page; it holds no key.

    The person comes back to where they are in the request at hand. None where the application has
    no such view.
    """
    name = current_app.extensions.get(BLUEPRINT)
    if name is None:
        return None
    link = url_for(f"{name}.connect", slug=slug)
    asking = current_request()
    return link if asking is None else f"{link}?{urlencode({'next': _here(asking)})}"


def _here(asking: Request) -> str:
    """Where a person is who sends this request: the page itself, or the page with the form."""
    if asking.method in {"GET", "HEAD"}:
        parts = urlsplit(iri_to_uri(asking.url))
        return f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        return checked_next(asking.headers.get("Referer"), [asking.host])
    except ValidationError:
        return "/"
