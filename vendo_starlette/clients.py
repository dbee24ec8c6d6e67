"""The clients of an application, and of each of its requests.

Not `client.py`: a submodule of that name would take the place of the function `client`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import Scope

import vendo
from vendo.web import VARY_ON_CLIENT, client_for_user, invalid, mask_jwt_of_scope, user_jwts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.web import AppWatch, ReplayStore
    from vendo_starlette.settings import VendoSettings

_Client = TypeVar("_Client", "vendo.Vendo", "vendo.AsyncVendo")
_Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

#: The key of an ASGI scope with the request's clients.
_KEY = "vendo_starlette"


def client(of: HTTPConnection | Starlette, /) -> vendo.Vendo:
    """Return the blocking client of a request, or of an application. Both modes.

    If a request carries a user's JWT, its client acts for that user. It is the same as
    `request.state.vendo_sync`, needs no middleware, and works after the request too. An
    application's client is for work outside of requests.

    Args:
        of: a request, a WebSocket, or a Starlette or FastAPI application.

    Returns:
        A `Vendo`.

    Raises:
        AuthError, ValidationError: the key or an address is malformed.

    Example:
        ```python
        from starlette.applications import Starlette

        from vendo_starlette import client

        app = Starlette()
        print(len(client(app).token("openai")))
        ```
    """
    if isinstance(of, Starlette):
        return clients_of(of).blocking()
    return request_clients(of.scope).blocking()


def aclient(of: HTTPConnection | Starlette, /) -> vendo.AsyncVendo:
    """Return the client for asyncio of a request, or of an application. Both modes.

    Await its methods. For a request it is the same as `request.state.vendo`.

    Args:
        of: a request, a WebSocket, or a Starlette or FastAPI application.

    Returns:
        An `AsyncVendo`.

    Raises:
        AuthError, ValidationError: the key or an address is malformed.

    Example:
        ```python
        import asyncio

        from starlette.applications import Starlette

        from vendo_starlette import aclient

        app = Starlette()

        async def main():
            print(len(await aclient(app).token("openai")))
            await aclient(app).aclose()

        asyncio.run(main())
        ```
    """
    if isinstance(of, Starlette):
        return clients_of(of).asynchronous()
    return request_clients(of.scope).asynchronous()


class Clients:
    """What one application has of Vendo. The clients are made when they are first used."""

    def __init__(self, settings: VendoSettings | None = None) -> None:
        # With the first application, so that importing the package stays cheap.
        from vendo_starlette.httpx_clients import Pools
        from vendo_starlette.settings import VendoSettings, checked_settings

        #: False for an application without settings: it follows the environment.
        self.has_settings: bool = settings is not None
        self.settings: VendoSettings = (
            VendoSettings() if settings is None else checked_settings(settings)
        )
        self.pools: Pools = Pools()
        #: The names of the clients that `install` was given.
        self._given: set[str] = set()
        # Without a lock: of two threads that make a client, the second takes the first one's.
        self._made: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Clients, {self.settings}>"

    @property
    def is_own(self) -> bool:
        """True where the application has settings or clients of its own."""
        return self.has_settings or bool(self._given)

    def use(self, **clients: Any) -> None:
        """Use these clients, which stay open when the application ends."""
        self._given.update(clients)
        self._made.update(clients)

    def use_those_of(self, other: Clients) -> None:
        """Use the clients that `install` gave to another one."""
        self.use(**{name: other._made[name] for name in other._given})

    def blocking(self) -> vendo.Vendo:
        """Return the blocking client."""
        made: vendo.Vendo | None = self._made.get("blocking")
        if made is None:
            from vendo.web import BlockingVendo, LoopWarning

            fix = "Write the endpoint with def, or use vendo_async_session({slug!r})."
            made = self._make("blocking", partial(BlockingVendo, LoopWarning(fix)))
        return made

    def asynchronous(self) -> vendo.AsyncVendo:
        """Return the client for asyncio, which works in both modes."""
        made: vendo.AsyncVendo | None = self._made.get("asynchronous")
        return self._make("asynchronous", vendo.aio.client) if made is None else made

    def replay_store(self) -> ReplayStore:
        """Return where webhooks are remembered: in Redis where there is a URL, else in memory.

        Raises:
            MissingExtra: the package `redis` is not installed.
            ValidationError: the URL is malformed.
        """
        from vendo.web import RedisReplayCache, ReplayCache, redis_source, redis_url
        from vendo_starlette.settings import client_label, given_redis_url

        given = given_redis_url(self.settings)
        url = redis_url(given)
        made: ReplayStore | None = self._made.get(f"store {url is not None}")
        if made is None:
            source = redis_source(given, client_label("redis_url"))
            made = ReplayCache() if url is None else RedisReplayCache(url, source=source)
            made = self._made.setdefault(f"store {url is not None}", made)
        return made

    def watch(self) -> AppWatch | None:
        """Return the watch of the application's events; None where no setting asks for it.

        Raises:
            MissingExtra: there is a URL of a Redis, and the package `redis` is not installed.
            ValidationError: the URL is malformed.
        """
        if not self.settings.watch:
            return None
        made: AppWatch | None = self._made.get("watch")
        if made is None:
            from vendo.web import AppWatch, redis_source, redis_url
            from vendo_starlette.settings import client_label, given_redis_url

            given = given_redis_url(self.settings)
            source = redis_source(given, client_label("redis_url"))
            made = AppWatch(self.asynchronous, redis_url(given), source)
            made = self._made.setdefault("watch", made)
        return made

    async def aclose(self) -> None:
        """Stop watching, and close the kept connections of this event loop.

        The clients can be used again.
        """
        watch: AppWatch | None = self._made.pop("watch", None)
        if watch is not None:
            await run_in_threadpool(watch.stop)
        ours = self._made.keys() - self._given
        if "asynchronous" in ours:
            await self._made["asynchronous"].aclose()
        await self.pools.aclose()
        if "blocking" in ours:
            self._made["blocking"].close()

    def _make(self, name: str, factory: Callable[..., Any]) -> Any:
        from vendo_starlette.settings import client_label, client_options

        made = client_options(self.settings).make(factory, client_label)
        self.watch()  # begins with the first token, where a server has no lifespan
        return self._made.setdefault(name, made)


class RequestClients:
    """The clients of one request, each made when it is first used."""

    __slots__ = ("_asynchronous", "_blocking", "_clients", "app", "headers", "mounted", "used")

    def __init__(self, clients: Clients | None, app: Any, headers: _Headers) -> None:
        self.app: Any = app
        #: The mounted application that goes on with a scope of its own.
        self.mounted: Any = app
        #: The headers of the user that the response depends on.
        self.used: set[str] = set()
        self._clients = clients
        self.headers: _Headers = headers
        self._blocking: vendo.Vendo | None = None
        self._asynchronous: vendo.AsyncVendo | None = None

    @property
    def clients(self) -> Clients:
        """The clients of the application that the request goes to."""
        return clients_of(self.app) if self._clients is None else self._clients

    def blocking(self) -> vendo.Vendo:
        """Return the client that acts for the request's user, else the application's."""
        if self._blocking is None:
            self._blocking = self._scoped(self.clients.blocking())
        return self._blocking

    def asynchronous(self) -> vendo.AsyncVendo:
        """Return the same for asyncio."""
        if self._asynchronous is None:
            self._asynchronous = self._scoped(self.clients.asynchronous())
        return self._asynchronous

    def _scoped(self, client: _Client) -> _Client:
        if client.is_vendo_mode():
            self.used.update(VARY_ON_CLIENT)
        return client_for_user(client, user_jwts(self.headers))


def begin_request(scope: Scope, clients: Clients | None, app: Any) -> RequestClients:
    """Give a request these clients, or those of its application, and mask its JWT."""
    mask_jwt_of_scope(scope)
    made = scope[_KEY] = RequestClients(clients, app, scope["headers"])
    return made


def request_clients(scope: Scope) -> RequestClients:
    """Return the clients of a request: those of the innermost application with settings."""
    found: RequestClients | None = scope.get(_KEY)
    app = scope.get("app")
    if found is not None and (found.app is app or found.mounted is app or not _is_own(app)):
        return found
    made = begin_request(scope, None, app)
    if found is not None:
        made.used = found.used  # the middleware of the outer application looks there
    return made


def scope_of_application(scope: Scope) -> Scope:
    """Return the scope of a request for the clients of its application.

    A mounted application gets a scope of its own: that of the application around it is still read.
    """
    found: RequestClients | None = scope.get(_KEY)
    app = scope.get("app")
    if found is None or found.app is app:
        return scope
    found.mounted = app
    return dict(scope)


def add_vary(headers: MutableHeaders, used: set[str]) -> None:
    """Say in the `Vary` of a response that it depends on headers of the user."""
    present = [name for line in headers.getlist("vary") for name in line.split(", ")]
    known = {name.lower() for name in present}
    headers["Vary"] = ", ".join([*present, *(n for n in sorted(used) if n.lower() not in known)])


# Each application has clients of its own, also without settings: the one that stops first must not
# close the connections of another.

_applications: WeakKeyDictionary[object, Clients] = WeakKeyDictionary()


def give_clients(app: Starlette, clients: Clients) -> None:
    """Give an application clients with settings of its own.

    Raises:
        ValidationError: it has others already.
    """
    found = _applications.get(app)
    if found is clients:
        return
    if found is not None and found.has_settings:
        raise invalid(
            "The application was given VendoSettings twice.",
            fix="Give them once, to install() or to VendoMiddleware.",
        )
    if found is not None:
        clients.use_those_of(found)
    _applications[app] = clients


def clients_of(app: object) -> Clients:
    """Return the clients of an application."""
    owner = app if isinstance(app, Starlette) else Starlette  # a router may have no application
    found = _applications.get(owner)
    return _applications.setdefault(owner, Clients()) if found is None else found


def _is_own(app: object) -> bool:
    found = _applications.get(app) if isinstance(app, Starlette) else None
    return found is not None and found.is_own
