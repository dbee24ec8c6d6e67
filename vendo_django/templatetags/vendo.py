"""`{% load vendo %}`: what is connected, the links to connect it, and tokens that all may see."""

from __future__ import annotations

from django import template
from django.core.exceptions import ImproperlyConfigured

from vendo.web import provider_name
from vendo_django import conf
from vendo_django.clients import client
from vendo_django.links import connect_link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest
    from django.template.context import Context

register: template.Library = template.Library()

_MEMO = "_vendo_connected"


@register.simple_tag
def vendo_token(slug: str) -> str:
    """Print the token of a provider that `VENDO["TEMPLATE_TOKENS"]` lists. Both modes.

    Raises:
        ImproperlyConfigured: it does not list this one.
    """
    if str(slug).lower() not in conf.template_tokens():
        raise ImproperlyConfigured(
            f"vendo: templates do not print the token of {slug!r}. If its provider means it to be "
            f"seen by everybody, list it: VENDO = {{'TEMPLATE_TOKENS': [{slug!r}]}}."
        )
    return client().token(slug)


@register.simple_tag(takes_context=True)
def vendo_connected(context: Context, slug: str) -> bool:
    """Whether a provider is connected. Both modes; a page asks once for all its providers."""
    request = _request(context)
    connected: frozenset[str] | None = getattr(request, _MEMO, None)
    if connected is None:
        connected = frozenset(client(request).connections.connected_slugs())
        if request is not None:
            setattr(request, _MEMO, connected)
    return str(slug).lower() in connected


@register.simple_tag(takes_context=True)
def vendo_connect_url(context: Context, slug: str) -> str:
    """The link on which a person connects a provider, and comes back to the page. Vendo mode.

    Raises:
        ImproperlyConfigured: the project's URLs do not have the view.
    """
    link = connect_link(str(slug).lower(), _request(context))
    if link is None:
        raise ImproperlyConfigured(
            "vendo: there is no view to connect a provider with. Add "
            'path("api/vendo/", include("vendo_django.urls")) to the URLs of the project.'
        )
    return link


@register.inclusion_tag("vendo_django/connect_button.html", takes_context=True)
def vendo_connect_button(context: Context, slug: str, label: str | None = None) -> dict[str, Any]:
    """The link as a button: an `a` of the class `vendo-connect`. Vendo mode.

    Its template, `vendo_django/connect_button.html`, can be overridden.
    """
    name = provider_name(str(slug))
    return {
        "slug": slug,
        "name": name,
        "label": label or f"Connect {name}",
        "url": vendo_connect_url(context, slug),
    }


def _request(context: Context) -> HttpRequest | None:
    return getattr(context, "request", None) or context.get("request")
