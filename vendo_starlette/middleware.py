"""`VendoMiddleware`: the clients and the user of each request, the check at the start, the end."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Self

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

import vendo_starlette
from vendo import VendoError, sso
from vendo.web import VARY_ON_IDENTITY
from vendo_starlette.clients import (
    Clients,
    RequestClients,
    add_vary,
    begin_request,
    clients_of,
    give_clients,
    scope_of_application,
)
from vendo_starlette.concurrency import call
from vendo_starlette.lazy import LazyAsyncClient, LazyBlockingClient

_IDENTITY = "vendo_identity"


class _State(dict[str, Any]):
    """The state of one request: that of its parent, and what belongs to this request alone.

    What the application sets is set in the parent too, where outer middleware looks for it. The
    server may share that with other requests.
    """

    __slots__ = ("_parent", "_used")

    _parent: dict[str, Any]
    _used: set[str]

    @classmethod
    def of(cls, parent: dict[str, Any], clients: RequestClients) -> Self:
        """Make the state of a request. Each request does: a constructor would cost more."""
        state = cls(
            parent,
            vendo=LazyAsyncClient(clients),
            vendo_sync=LazyBlockingClient(clients),
            vendo_identity=sso.identity_from_headers(clients.headers),
        )
        state._parent = parent
        state._used = clients.used
        return state

    def __getitem__(self, name: str) -> Any:
        if name == _IDENTITY and sso.is_enabled():
            self._used.update(VARY_ON_IDENTITY)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a name, or the default."""
        return self[name] if name in self else default  # noqa: SIM401  # it would call itself

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._parent[name] = value

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._parent.pop(name, None)


class VendoMiddleware:
    """Give each request and WebSocket its clients and its user. Pure ASGI, both modes.

    `request.state.vendo` is the client for asyncio, `request.state.vendo_sync` the blocking one,
    each made when it is first used. If the request carries a user's JWT, they act for that user.
    They are those of the application that has this middleware, also in one that is mounted there.
    `request.state.vendo_identity` is the signed-in user, or None; always None without the
    platform's proxy (`VENDO_AUTH=1`). A response for which one of the three was used has a `Vary`
    for it.

    One of vendo's errors that another middleware lets through goes to the application's own handler
    for it, such as that of `install`. When the application starts, the key and the `required` slugs
    are checked; when it stops, the kept connections are closed. It works with servers without
    lifespan too.

    Args:
        app: the next application.
        settings: settings of this application; without them those of `install`, or else the
            environment.

    Raises:
        ValidationError: the settings are of another type.

    Example:
        ```python
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route
        from starlette.testclient import TestClient

        from vendo_starlette import VendoMiddleware

        async def length(request):
            return PlainTextResponse(str(len(await request.state.vendo.token("openai"))))

        app = Starlette(routes=[Route("/", length)], middleware=[Middleware(VendoMiddleware)])
        with TestClient(app) as browser:
            print(browser.get("/").text)
        ```
    """

    def __init__(self, app: ASGIApp, settings: vendo_starlette.VendoSettings | None = None) -> None:
        self.app = app
        self._own = None if settings is None else Clients(settings)
        #: The application, where this is around it, and not in it.
        self._around = app if isinstance(app, Starlette) else None
        #: The application that has these clients already.
        self._given_to: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes of the next application, for those who look for a route by its name."""
        return getattr(self.app, "routes", [])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, a WebSocket or a lifespan; pass on everything else."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(scope, receive, send)
            return
        if kind not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        has_begun = False
        used: set[str] = set()

        def noting(message: Message) -> Awaitable[None]:
            nonlocal has_begun
            has_begun = True
            if used and message["type"] == "http.response.start":
                add_vary(MutableHeaders(scope=message), used)
            return send(message)

        try:
            scope = scope_of_application(scope)
            used = self._prepare(scope)  # here, since its errors need a response too
            await self.app(scope, receive, noting)
        except VendoError as error:
            handler = _handler_for(scope.get("app"), error)
            if handler is None or has_begun:
                raise
            make = Request if kind == "http" else WebSocket
            response = await call(handler, make(scope, receive, noting), error)
            if response is not None:
                await response(scope, receive, noting)

    def _prepare(self, scope: Scope) -> set[str]:
        """Return the set of the headers of the user that the response depends on."""
        app = scope.get("app", self._around)
        if self._own is not None:
            self._give_clients(app)
        clients = begin_request(scope, self._own, app)
        scope["state"] = _State.of(scope.setdefault("state", {}), clients)
        return clients.used

    def _give_clients(self, app: object) -> None:
        """Give the clients to the application that has this middleware."""
        if self._own is not None and app is not self._given_to:
            if isinstance(app, Starlette):
                give_clients(app, self._own)
            self._given_to = app

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        from vendo_starlette.checks import check_start

        first: list[Message] = [await receive()]
        try:
            app = scope.get("app", self._around)
            self._give_clients(app)
            clients = clients_of(app) if self._own is None else self._own
            try:
                await check_start(clients, app or self.app)
            except BaseException:
                await clients.aclose()
                raise
        except Exception as error:
            # A server takes an error that it was not told of for an application without lifespan.
            await send({"type": "lifespan.startup.failed", "message": f"vendo: {error}"})
            raise

        async def receive_again() -> Message:
            return first.pop() if first else await receive()

        async def closing(message: Message) -> None:
            if message["type"] != "lifespan.startup.complete":
                await clients.aclose()  # not before: the application's own end may still need them
            await send(message)

        await self.app(scope, receive_again, closing)


def _handler_for(app: Any, error: VendoError) -> Any:
    """Return the application's handler for an error, as Starlette looks for it."""
    handlers = app.exception_handlers if isinstance(app, Starlette) else {}
    # A handler for `Exception` belongs to a middleware further out, which gets the raised error.
    classes = (cls for cls in type(error).__mro__ if cls is not Exception)
    return next((handlers[cls] for cls in classes if cls in handlers), None)
