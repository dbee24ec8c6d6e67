"""`{% load vendo %}`: is a provider connected, the links to connect one, and public tokens."""

from __future__ import annotations

import logging
from typing import Any

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template.context import Context

from vendo import VendoError
from vendo.web import checked_slug, connected_slugs, provider_name
from vendo_django import settings
from vendo_django.clients import client
from vendo_django.connect import connect_link

register: template.Library = template.Library()

_log = logging.getLogger("vendo_django")

_MEMO = "_vendo_connected"


@register.simple_tag
def vendo_token(slug: str) -> str:
    """Print the token of a provider that `VENDO["TEMPLATE_TOKENS"]` lists. Both modes.

    Raises:
        ImproperlyConfigured: it does not list this provider.
    """
    if str(slug).lower() not in settings.template_tokens():
        raise ImproperlyConfigured(
            f"vendo: templates may not print the token of {slug!r}. Fix: if all may see it, "
            f"list it: VENDO = {{'TEMPLATE_TOKENS': [{slug!r}]}}."
        )
    return client().token(slug)


@register.simple_tag(takes_context=True)
def vendo_connected(context: Context, slug: str) -> bool:
    """Return whether a provider is connected. Both modes; one request to Vendo for a whole page.

    False where Vendo does not say within five seconds, which is logged: a page shows the rest all
    the same.
    """
    request = _request(context)
    connected: frozenset[str] | None = getattr(request, _MEMO, None)
    if connected is None:
        connected = _connected_slugs(request)
        if request is not None:
            setattr(request, _MEMO, connected)
    return str(slug).lower() in connected


def _connected_slugs(request: HttpRequest | None) -> frozenset[str]:
    try:
        return connected_slugs(client(request))
    except (VendoError, ImproperlyConfigured) as error:
        _log.error("What is connected is not known, and shown as not connected: %s", error)
        return frozenset()


@register.simple_tag(takes_context=True)
def vendo_connect_url(context: Context, slug: str) -> str:
    """Return the link on which a user connects a provider and comes back to the page. Vendo mode.

    Raises:
        ImproperlyConfigured: the project's URLs do not have the view.
        ValidationError: the slug is malformed, or a variable that is not set.
    """
    link = connect_link(checked_slug(slug), _request(context))
    if link is None:
        raise ImproperlyConfigured(
            "vendo: the project has no view to connect a provider. Fix: add "
            'path("api/vendo/", include("vendo_django.urls")) to its URLs.'
        )
    return link


@register.inclusion_tag("vendo_django/connect_button.html", takes_context=True)
def vendo_connect_button(context: Context, slug: str, label: str | None = None) -> dict[str, Any]:
    """Print the link as a button: an `a` of the class `vendo-connect`. Vendo mode.

    Its template, `vendo_django/connect_button.html`, can be overridden.
    """
    url = vendo_connect_url(context, slug)
    name = provider_name(slug)
    return {
        "slug": slug,
        "name": name,
        "label": label or f"Connect {name}",
        "url": url,
    }


def _request(context: Context) -> HttpRequest | None:
    return getattr(context, "request", None) or context.get("request")
