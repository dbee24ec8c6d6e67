"""The application's own link that leads a user to connect a provider, and who may follow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import urlencode, urljoin

from starlette.datastructures import URL
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Host, NoMatchFound
from starlette.types import Scope

from vendo.web import argument_sets, check_may_connect, current_page
from vendo_starlette.clients import request_clients
from vendo_starlette.concurrency import call
from vendo_starlette.identity import identity_of

#: Says whether the user of a request may connect a provider. It may be a coroutine function.
MayConnect: TypeAlias = Callable[[HTTPConnection, str], Any]

#: The name of the route.
CONNECT = "vendo:connect"
#: The attribute of its endpoint with the rule of `vendo_routes(may_connect=…)`.
RULE = "vendo_may_connect"


async def check_connect(
    connection: HTTPConnection, slug: str, may_connect: MayConnect | None
) -> None:
    """Let the user of a request connect a provider, or raise.

    Raises:
        IdentityNotPresent: the user has to sign in first.
        ConnectForbidden: the user may not.
    """
    allowed = None
    if may_connect is not None:
        allowed = bool(await call(may_connect, connection, slug))
    client = request_clients(connection.scope).clients.asynchronous()
    check_may_connect(client, slug, allowed=allowed, identity=identity_of(connection))


def connect_link(slug: str, connection: HTTPConnection) -> str | None:
    """Return the link to the route `connect`, which contains no key.

    Args:
        slug: the provider.
        connection: the user comes back to the page that they are on in this request.

    Returns:
        A path, or an address where the route is on another host; None where the application does
        not have the route.
    """
    link = _link(slug, connection)
    if link is None:
        return None
    own = own_url(connection)
    page = _page_of(connection, own)
    if link.hostname == own.hostname:
        return f"{link.path}?{urlencode({'next': page})}"
    # A `Host` route knows no port.
    link = link.replace(port=own.port, query=urlencode({"next": urljoin(str(own), page)}))
    return str(link)


def _link(slug: str, connection: HTTPConnection) -> URL | None:
    router = connection.scope.get("router") or connection.scope.get("app")
    for name in _names(getattr(router, "routes", [])):
        for arguments in argument_sets(slug, connection.path_params):
            try:
                link = connection.url_for(name, **arguments)
            except (NoMatchFound, AssertionError):  # AssertionError: a value that does not fit
                continue
            if "{" not in f"{link.netloc}{link.path}":  # a mount fills in what it is given
                return link
    return None


def _names(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Yield what the route may be called, below mounts and hosts that have names."""
    yield prefix + CONNECT
    for route in routes:
        name, inner = getattr(route, "name", None), getattr(route, "routes", None)
        if inner and name is not None:
            yield from _names(inner, f"{prefix}{name}:")
        elif inner:
            yield from (found for found in _names(inner, prefix) if found != prefix + CONNECT)


def may_connect_of(connection: HTTPConnection) -> MayConnect | None:
    """Return the rule that the application's routes have, or None."""
    router = connection.scope.get("router") or connection.scope.get("app")
    rules = (getattr(endpoint, RULE, None) for endpoint in endpoints(router))
    return next((rule for rule in rules if rule is not None), None)


def endpoints(app: object) -> Iterator[object]:
    """Yield the endpoints of an application, below its mounts, hosts and routers too."""
    # Newer releases of FastAPI keep a router that was included as it is.
    app = getattr(app, "original_router", app)
    for route in getattr(app, "routes", None) or ():
        endpoint = getattr(route, "endpoint", None)
        if endpoint is not None:
            yield endpoint
        yield from endpoints(route)


def own_hosts(connection: HTTPConnection) -> set[str]:
    """Return the hosts of an application beside that of a request."""
    router = connection.scope.get("router") or connection.scope.get("app")
    port = own_url(connection).port
    names = {route.host for route in getattr(router, "routes", []) if isinstance(route, Host)}
    return {f"{name}:{port}" if port else name for name in names if "{" not in name}


def own_url(connection: HTTPConnection) -> URL:
    """Return the address of a request as the browser knows it."""
    return connection.url.replace(path=_path_of(connection.scope, connection.url.path))


def _path_of(scope: Scope, path: str) -> str:
    # Some servers and proxies leave the prefix of the application out.
    prefix = str(scope.get("app_root_path", scope.get("root_path", ""))).rstrip("/")
    return path if path == prefix or path.startswith(f"{prefix}/") else prefix + path


def _page_of(connection: HTTPConnection, own: URL) -> str:
    return current_page(
        connection.scope.get("method"),
        own.path + (f"?{own.query}" if own.query else ""),
        accept=connection.headers.get("accept"),
        referer=connection.headers.get("referer"),
        own_host=own.netloc,
    )
