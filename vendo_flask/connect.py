"""The application's own link that leads a user to connect a provider, and who may follow it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode, urljoin, urlsplit

from flask import Flask, Request, current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError
from werkzeug.urls import iri_to_uri

from vendo import VendoError
from vendo.web import (
    argument_sets,
    check_may_connect,
    current_page,
    nearest_link,
    why_blocked,
)
from vendo_flask.clients import app_client
from vendo_flask.context import current_request, this_app
from vendo_flask.identity import identity_of

#: Says whether the user of a request may connect a provider. It may be a coroutine function.
MayConnect: TypeAlias = Callable[[Request, str], Any]


class Views(NamedTuple):
    """The blueprint of an application: its name there, and who may connect."""

    name: str
    may_connect: MayConnect | None


#: The key of `app.extensions` with a list of `Views`, one for each registration.
VIEWS = "vendo_blueprint"


def check_connect(slug: str, may_connect: MayConnect | None) -> None:
    """Let the user of the current request connect a provider, or raise.

    Raises:
        IdentityNotPresent: the user has to sign in first.
        ConnectForbidden: the user may not.
    """
    proxy: Any = request
    this_request: Request = proxy._get_current_object()
    allowed: object = ...
    if may_connect is not None:
        allowed = _called(this_app(), may_connect, this_request, slug)
    check_may_connect(app_client(), slug, allowed=allowed, identity=identity_of(this_request))


def why_not(slug: str, may_connect: MayConnect | None) -> VendoError | None:
    """Return why the user of the current request may not connect a provider, or None."""
    try:
        check_connect(slug, may_connect)
    except Exception as error:  # noqa: BLE001  # the application's rule may raise anything
        return why_blocked(error, slug, denials=(HTTPException,))
    return None


def _called(app: Flask, function: MayConnect, *arguments: Any) -> Any:
    result = function(*arguments)
    if not isawaitable(result):
        return result

    async def awaited() -> Any:
        return await result

    return app.async_to_sync(awaited)()


class Link(NamedTuple):
    """The link to the view `connect`, and who may follow it."""

    address: str
    may_connect: MayConnect | None


def connect_link(slug: str) -> Link | None:
    """Return the link to the view `connect`, which contains no key.

    The user comes back to the page that they are on in the current request.

    Args:
        slug: the provider.

    Returns:
        A path, or an address where the view is on another host; None where the application does not
        have the view.
    """
    request = current_request()
    captured = (request.view_args if request else None) or {}
    rules = {
        address: views.may_connect
        for views in current_app.extensions.get(VIEWS, ())
        if (address := _address(views.name, slug, captured))
    }
    own = iri_to_uri(request.url) if request else ""
    address = nearest_link(rules, own)
    if address is None:
        return None
    may_connect = rules[address]
    if request is None:
        return Link(address, may_connect)
    page = _page_of(request)
    if urlsplit(address).netloc not in {"", request.host}:
        page = urljoin(own, page) if request.host in own_hosts(this_app()) else ""
    return Link(f"{address}?{urlencode({'next': page})}", may_connect)


def _address(blueprint: str, slug: str, captured: dict[str, Any]) -> str | None:
    for arguments in argument_sets(slug, captured):
        try:
            address = url_for(f"{blueprint}.connect", **arguments)
        except BuildError:
            continue
        # With `host_matching`, no request reaches a view without a host.
        parts = urlsplit(address)
        return None if parts.scheme and not parts.netloc else address
    return None


def own_hosts(app: Flask) -> set[str]:
    """Return the hosts of an application beside that of the present request."""
    server = app.config["SERVER_NAME"]
    if not server or not app.subdomain_matching:
        return set()
    names = {rule.subdomain or "" for rule in app.url_map.iter_rules()}
    return {f"{name}.{server}".lstrip(".") for name in names if "<" not in name}


def _page_of(request: Request) -> str:
    parts = urlsplit(iri_to_uri(request.url))
    return current_page(
        request.method,
        f"{parts.path}?{parts.query}" if parts.query else parts.path,
        request.headers.get,
        own_host=request.host,
        home=f"{request.root_path}/",
    )
