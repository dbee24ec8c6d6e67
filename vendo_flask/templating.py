"""Jinja globals: what is connected, and the links to connect it."""

from __future__ import annotations

from typing import Any

from flask import Flask
from markupsafe import Markup

from vendo.web import provider_name
from vendo_flask.current import current_client, current_request, vendo_identity
from vendo_flask.links import connect_link

_MEMO = "_vendo_connected"


def add_globals(app: Flask) -> None:
    """Let the templates of an application use them."""
    names: dict[str, Any] = {
        "vendo_connect_button": vendo_connect_button,
        "vendo_connect_url": vendo_connect_url,
        "vendo_connected": vendo_connected,
        "vendo_identity": vendo_identity,
    }
    app.jinja_env.globals.update(names)


def vendo_connected(slug: str) -> bool:
    """Whether a provider is connected. Both modes; a request asks once for all its providers."""
    asking = current_request()
    client = current_client()
    kept = getattr(asking, _MEMO, None)
    if kept is None or kept[0] is not client:
        kept = (client, frozenset(client.connections.connected_slugs()))
        if asking is not None:
            setattr(asking, _MEMO, kept)
    return str(slug).lower() in kept[1]


def vendo_connect_url(slug: str) -> str:
    """The link on which a person connects a provider, and comes back to the page. Vendo mode.

    Raises:
        RuntimeError: the application does not have the view.
    """
    link = connect_link(str(slug).lower())
    if link is None:
        raise RuntimeError(
            "There is no view to connect a provider with. Write "
            "app.register_blueprint(vendo_flask.blueprint())."
        )
    return link


def vendo_connect_button(slug: str, label: str | None = None) -> Markup:
    """The link as a button: an `a` of the class `vendo-connect`. Vendo mode."""
    return Markup('<a class="vendo-connect" href="{}" rel="nofollow">{}</a>').format(
        vendo_connect_url(slug), label or f"Connect {provider_name(str(slug))}"
    )
