"""Jinja globals: is a provider connected, and the links to connect one."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app
from markupsafe import Markup

from vendo import VendoError
from vendo.web import checked_slug, connected_slugs, provider_name
from vendo_flask.clients import EXTENSION, current_client
from vendo_flask.connect import connect_link
from vendo_flask.context import current_request
from vendo_flask.identity import vendo_identity

#: The attribute of a request that keeps its application's client and the connected slugs.
_MEMO = "_vendo_connected"


def add_globals(app: Flask) -> None:
    """Add the globals to the templates of an application."""
    names: dict[str, Any] = {
        "vendo_connect_button": vendo_connect_button,
        "vendo_connect_url": vendo_connect_url,
        "vendo_connected": vendo_connected,
        "vendo_identity": vendo_identity,
    }
    app.jinja_env.globals.update(names)


def vendo_connected(slug: str) -> bool:
    """Return whether a provider is connected. Both modes; one request to Vendo for a whole page.

    False where Vendo does not say within five seconds, or the key is malformed, which is logged: a
    page must not fail because of a status that it shows.
    """
    request = current_request()
    client = current_app.extensions.get(EXTENSION)  # which a test may replace with a mock
    kept = getattr(request, _MEMO, None)
    if kept is None or kept[0] is not client:
        kept = (client, _connected_slugs())
        if request is not None:
            setattr(request, _MEMO, kept)
    return str(slug).lower() in kept[1]


def _connected_slugs() -> frozenset[str]:
    try:
        return connected_slugs(current_client())
    except VendoError as error:
        # Without a traceback, because the text has the reason.
        current_app.logger.error(  # noqa: TRY400
            "vendo_connected shows every provider as not connected: %s", error
        )
        return frozenset()


def vendo_connect_url(slug: str) -> str:
    """Return the link on which a user connects a provider and comes back to the page. Vendo mode.

    Raises:
        RuntimeError: the application does not have the view.
        ValidationError: the slug is malformed, or a variable that is not set.
    """
    link = connect_link(checked_slug(slug))
    if link is None:
        raise RuntimeError(
            "The application has no view to connect a provider. Fix: write "
            "app.register_blueprint(vendo_flask.blueprint())."
        )
    return link.address


def vendo_connect_button(slug: str, label: str | None = None) -> Markup:
    """Return the link as a button: an `a` of the class `vendo-connect`. Vendo mode."""
    url = vendo_connect_url(slug)
    return Markup('<a class="vendo-connect" href="{}" rel="nofollow">{}</a>').format(
        url, label or f"Connect {provider_name(slug)}"
    )
