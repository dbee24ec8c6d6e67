"""The clients of an application, and of each of its requests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import Scope

from vendo import AsyncVendo, IdentityNotPresent, ValidationError, Vendo, VendoError, aio
from vendo.web import JWT_HEADER, SeenIds
from vendo_starlette.blocking import BlockingVendo, LoopWarning
from vendo_starlette.httpx_clients import Pools
from vendo_starlette.settings import VendoSettings

_Client = TypeVar("_Client", Vendo, AsyncVendo)
_Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

_JWT_NAME = JWT_HEADER.lower().encode()
#: Where a request's clients are kept, in its ASGI scope.
_KEY = "vendo_starlette"


def client(of: HTTPConnection | Starlette, /) -> Vendo:
    """The blocking client of a request, or of an application. Both modes.

    A request's client acts for the person whose JWT the request carries, where it carries one; it
    is the same as `request.state.vendo_sync`, and works without the middleware. It stays good when
    the request is over. An application's client is for what belongs to no request.

    Args:
        of: a request, a WebSocket, or a Starlette or FastAPI application.

    Raises:
        AuthError, ValidationError: the key or an address is malformed.
    """
    if isinstance(of, Starlette):
        return clients_of(of).blocking()
    return request_clients(of.scope).blocking()


def aclient(of: HTTPConnection | Starlette, /) -> AsyncVendo:
    """The same for asyncio: its methods are to be awaited, and it is `request.state.vendo`.

    Raises:
        AuthError, ValidationError: the key or an address is malformed.
    """
    if isinstance(of, Starlette):
        return clients_of(of).asynchronous()
    return request_clients(of.scope).asynchronous()


class Clients:
    """What one application has of Vendo. The clients are made when they are first used."""

    def __init__(self, settings: VendoSettings | None = None) -> None:
        #: False for an application that was told nothing: it follows the environment.
        self.was_told: bool = settings is not None
        self.settings: VendoSettings = VendoSettings() if settings is None else settings
        self.seen: SeenIds = SeenIds()
        self.pools: Pools = Pools()
        self.warning: LoopWarning = LoopWarning()
        # Without a lock: whoever comes second takes the first one's client.
        self._made: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Clients, {self.settings}>"

    def blocking(self) -> Vendo:
        """The blocking client."""
        made: Vendo | None = self._made.get("blocking")
        if made is None:
            made = self._make("blocking", partial(BlockingVendo, self.warning))
        return made

    def asynchronous(self) -> AsyncVendo:
        """The client for asyncio, which works in both modes."""
        made: AsyncVendo | None = self._made.get("asynchronous")
        return self._make("asynchronous", aio.client) if made is None else made

    async def aclose(self) -> None:
        """Close the kept connections of this event loop. The clients can be used again."""
        made = self._made
        if "asynchronous" in made:
            await made["asynchronous"].aclose()
        await self.pools.aclose()
        if "blocking" in made:
            made["blocking"].close()

    def _make(self, name: str, make: Any) -> Any:
        try:
            return self._made.setdefault(name, make(**_arguments(self.settings)))
        except VendoError as error:
            # Reports of errors show the variables of every frame, and those further in hold the
            # key.
            raise error.with_traceback(None) from None


def _arguments(settings: VendoSettings) -> dict[str, Any]:
    names = ("api_key", "base_url", "credentials_url", "data_proxy_url", "timeout")
    values = ((name, getattr(settings, name)) for name in names)
    return {name: value for name, value in values if value is not None}


class RequestClients:
    """The clients of one request, made when they are first used, once for each request."""

    __slots__ = ("_asynchronous", "_blocking", "_clients", "_headers", "app")

    def __init__(self, clients: Clients | None, app: Any, headers: _Headers) -> None:
        self.app: Any = app
        self._clients = clients
        self._headers = headers
        self._blocking: Vendo | None = None
        self._asynchronous: AsyncVendo | None = None

    @property
    def clients(self) -> Clients:
        """Those of the application that the request goes to."""
        return clients_of(self.app) if self._clients is None else self._clients

    def blocking(self) -> Vendo:
        """The person's client where the request carries a JWT, else the application's."""
        if self._blocking is None:
            self._blocking = _scoped(self.clients.blocking(), self._headers)
        return self._blocking

    def asynchronous(self) -> AsyncVendo:
        """The same for asyncio."""
        if self._asynchronous is None:
            self._asynchronous = _scoped(self.clients.asynchronous(), self._headers)
        return self._asynchronous


def request_clients(scope: Scope) -> RequestClients:
    """The clients of a request: those of the innermost application that was told something."""
    found: RequestClients | None = scope.get(_KEY)
    app = scope.get("app")
    if found is not None and (found.app is app or not _was_told(app)):
        return found
    return begin_request(scope, None)


def begin_request(scope: Scope, clients: Clients | None) -> RequestClients:
    """From here on the request has these clients, or those of its application."""
    made = scope[_KEY] = RequestClients(clients, scope.get("app"), scope["headers"])
    return made


# Applications. Each has clients of its own, also where none was told anything: the one that ends
# first closes no other's connections.

_applications: WeakKeyDictionary[Starlette, Clients] = WeakKeyDictionary()
#: For what is no application: a router that is served by itself.
_nobodys = Clients()


def clients_of(app: object) -> Clients:
    """The clients of an application."""
    if not isinstance(app, Starlette):
        return _nobodys
    found = _applications.get(app)
    return _applications.setdefault(app, Clients()) if found is None else found


def tell(app: Starlette, clients: Clients) -> None:
    """Give an application clients with settings of its own.

    Raises:
        ValidationError: it has others already.
    """
    found = _applications.get(app)
    if found is clients:
        return
    if found is not None and found.was_told:
        raise ValidationError(
            "validation_failed",
            "The application was given VendoSettings twice.",
            suggested_fix="Give them to install() or to VendoMiddleware: each knows the other's.",
        )
    _applications[app] = clients


def _was_told(app: object) -> bool:
    found = _applications.get(app) if isinstance(app, Starlette) else None
    return found is not None and found.was_told


def _scoped(client: _Client, headers: _Headers) -> _Client:
    """The person's client where the headers hold a JWT and there is Vendo mode; else the same."""
    if any(name.lower() == _JWT_NAME for name, _ in headers) and client.is_vendo_mode():
        try:
            return client.for_request(headers)
        except IdentityNotPresent:  # it is blank
            pass
    return client
