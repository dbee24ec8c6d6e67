"""The application's own link that leads a user to connect a provider, and who may follow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, unquote, urlencode, urljoin

from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Host, Match, NoMatchFound
from starlette.types import Scope

from vendo import VendoError
from vendo.web import (
    argument_sets,
    check_may_connect,
    current_page,
    nearest_link,
    why_blocked,
)
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
    allowed: object = ...
    if may_connect is not None:
        allowed = await call(may_connect, connection, slug)
    client = request_clients(connection.scope).clients.asynchronous()
    check_may_connect(client, slug, allowed=allowed, identity=identity_of(connection))


async def why_not(
    connection: HTTPConnection, slug: str, may_connect: MayConnect | None
) -> VendoError | None:
    """Return why the user of a request may not connect a provider, or None."""
    try:
        await check_connect(connection, slug, may_connect)
    except Exception as error:  # noqa: BLE001  # the application's rule may raise anything
        return why_blocked(error, slug, denials=(HTTPException,))
    return None


class Link(NamedTuple):
    """The link to the route `connect`, and who may follow it."""

    address: str
    may_connect: MayConnect | None


def connect_link(slug: str, connection: HTTPConnection) -> Link | None:
    """Return the link to the route `connect`, which contains no key.

    Args:
        slug: the provider.
        connection: the user comes back to the page that they are on in this request.

    Returns:
        A path, or an address where the route is on another host; None where the application does
        not have the route.
    """
    own = own_url(connection)
    links = {str(link): link for link in _links(slug, connection, own)}
    found = nearest_link(links, str(own))
    if found is None:
        return None
    link, page = links[found], _page_of(connection, own)
    may_connect = _rule_of(link, connection)
    if link.netloc == own.netloc:
        return Link(f"{link.path}?{urlencode({'next': page})}", may_connect)
    page = urljoin(str(own), page) if own.netloc in own_hosts(connection) else ""
    link = link.replace(query=urlencode({"next": page}))
    return Link(str(link), may_connect)


def _links(slug: str, connection: HTTPConnection, own: URL) -> Iterator[URL]:
    captured = {
        name: quote(value, safe="/") if isinstance(value, str) else value
        for name, value in connection.path_params.items()
    }
    router: Any = _router(connection)
    base = own.replace(path=f"{root_path(connection)}/", query="")
    for name in _names(getattr(router, "routes", [])):
        for arguments in argument_sets(slug, captured):
            try:
                # `connection.url_for` of old releases needs a router, which no middleware has yet.
                path = router.url_path_for(name, **arguments)
            except (NoMatchFound, AssertionError):  # AssertionError: a value that does not fit
                continue
            link = path.make_absolute_url(base)
            # A mount fills in what it is given. A path that begins with // leads away.
            if "{" not in f"{link.netloc}{link.path}" and not link.path.startswith("//"):
                # A `Host` route knows no port.
                yield link.replace(port=own.port) if link.netloc != own.netloc else link
                break


def _router(connection: HTTPConnection) -> object:
    return connection.scope.get("router") or connection.scope.get("app")


def _names(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    """Yield what the route may be called, below mounts and hosts that have names."""
    yield prefix + CONNECT
    for route in routes:
        name, inner = getattr(route, "name", None), getattr(route, "routes", None)
        if inner and name is not None:
            yield from _names(inner, f"{prefix}{name}:")
        elif inner:
            yield from (found for found in _names(inner, prefix) if found != prefix + CONNECT)


def _rule_of(link: URL, connection: HTTPConnection) -> MayConnect | None:
    """Return the rule of the route that a link leads to."""
    request = {
        "type": "http",
        "method": "GET",
        "path": unquote(link.path),
        "root_path": root_path(connection),
        "headers": [(b"host", link.netloc.encode())],
    }
    routed = _matched(_router(connection), request)
    found = (getattr(endpoint, RULE) for endpoint in routed if hasattr(endpoint, RULE))
    # A router that FastAPI includes does not show what it matches.
    every = (getattr(each, RULE) for each in endpoints(_router(connection)) if hasattr(each, RULE))
    return next(chain(found, every), None)


def _matched(app: object, scope: Scope) -> Iterator[object]:
    """Yield the endpoints that a request may reach."""
    for route in routes_of(app):
        match, child = route.matches(dict(scope))
        if match is Match.FULL:
            yield child.get("endpoint")
            yield from _matched(route, {**scope, **child})


def endpoints(app: object, around: tuple[object, ...] = ()) -> Iterator[object]:
    """Yield the endpoints of an application, below its mounts, hosts and routers too."""
    # Newer releases of FastAPI keep a router that was included as it is.
    app = getattr(app, "original_router", app)
    if any(app is each for each in around):  # it is mounted in itself
        return
    for route in routes_of(app):
        endpoint = getattr(route, "endpoint", None)
        if endpoint is not None:
            yield endpoint
        yield from endpoints(route, (*around, app))


def routes_of(app: object) -> Sequence[Any]:
    """Return the routes of an application or a mount. Any ASGI application may be mounted."""
    found = getattr(app, "routes", None)
    return found if isinstance(found, Sequence) else ()


def own_hosts(connection: HTTPConnection) -> set[str]:
    """Return the hosts of an application beside that of a request."""
    router = _router(connection)
    port = own_url(connection).port
    names = {route.host for route in getattr(router, "routes", []) if isinstance(route, Host)}
    return {f"{name}:{port}" if port else name for name in names if "{" not in name}


def own_url(connection: HTTPConnection) -> URL:
    """Return the address of a request as the browser knows it."""
    path = str(connection.scope["path"])
    prefix = root_path(connection)
    # Some servers and proxies leave the prefix of the application out.
    if path != prefix and not path.startswith(f"{prefix}/"):
        path = prefix + path
    # Before 1.1, a `?` or `#` in the path ends up in the query of `connection.url`.
    url = URL(scope={**connection.scope, "path": "/"})
    try:
        url.port  # noqa: B018  # releases before 1.10 parse a malformed `Host` here
    except ValueError:
        url = URL(scope={**connection.scope, "path": "/", "headers": []})
    return url.replace(path=quote(path, safe="/:@!$&'()*+,;=~"))


def root_path(connection: HTTPConnection) -> str:
    """Return the path that the application is served below, without a slash at its end."""
    scope = connection.scope
    return str(scope.get("app_root_path", scope.get("root_path", ""))).rstrip("/")


def _page_of(connection: HTTPConnection, own: URL) -> str:
    return current_page(
        connection.scope.get("method"),
        own.path + (f"?{own.query}" if own.query else ""),
        connection.headers.get,
        own_host=own.netloc,
        home=f"{root_path(connection)}/",
    )
