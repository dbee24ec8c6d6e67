"""`VendoMiddleware`: the clients and the person of each request, and the end of the connections."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from vendo import VendoError, sso
from vendo_starlette.calling import called
from vendo_starlette.clients import Clients, begin_request, clients_of, tell
from vendo_starlette.settings import VendoSettings
from vendo_starlette.stand_ins import AsyncClient, BlockingClient
from vendo_starlette.startup import check_startup


class VendoMiddleware:
    """Gives each request and WebSocket its clients and its person. Pure ASGI, both modes.

    `request.state.vendo` is the client for asyncio, `request.state.vendo_sync` the blocking one,
    each made when it is first used, and scoped to the person whose JWT the request carries, where
    it carries one. They are those of the application that this middleware stands in, also in one
    that is mounted there. `request.state.vendo_identity` is the person who is signed in; None where
    nobody is, and always None where the platform's proxy is not in front (`VENDO_AUTH=1`).

    One of vendo's errors that another middleware lets through is handled by the application's own
    handler for it, such as that of `install`. When the application starts, the key and the
    `required` slugs are checked; when it ends, the kept connections are closed. Neither is needed:
    it works with servers that know no lifespan.

    Args:
        app: what comes next.
        settings: settings of this application; without them, those of `install`, or else the
            environment.
    """

    def __init__(self, app: ASGIApp, settings: VendoSettings | None = None) -> None:
        self.app = app
        self._own = None if settings is None else Clients(settings)
        self._told: Any = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what the server sends."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(scope, receive, send)
            return
        if kind not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        has_begun = False

        def noting(message: Message) -> Awaitable[None]:
            nonlocal has_begun
            has_begun = True
            return send(message)

        try:
            # In here, since errors of ours are to be answered too.
            self._prepare(scope)
            await self.app(scope, receive, noting)
        except VendoError as error:
            handler = _handler_for(scope.get("app"), error)
            if handler is None or has_begun:
                raise
            make = Request if kind == "http" else WebSocket
            response = await called(handler, make(scope, receive, noting), error)
            if response is not None:
                await response(scope, receive, noting)

    def _prepare(self, scope: Scope) -> None:
        # Done without more ado than this: most requests use neither client.
        if self._own is not None:
            self._tell(scope)
        clients = begin_request(scope, self._own)
        state = scope.setdefault("state", {})
        state["vendo"] = AsyncClient(clients)
        state["vendo_sync"] = BlockingClient(clients)
        state["vendo_identity"] = sso.identity_from_headers(scope["headers"])

    def _tell(self, scope: Scope) -> None:
        """Let the application that this one stands in know its settings."""
        app = scope.get("app")
        if self._own is not None and app is not self._told:
            if isinstance(app, Starlette):
                tell(app, self._own)
            self._told = app

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        first: list[Message] = [await receive()]
        try:
            self._tell(scope)
            clients = clients_of(scope.get("app")) if self._own is None else self._own
            await check_startup(clients)
        except VendoError as error:
            await send({"type": "lifespan.startup.failed", "message": f"vendo: {error}"})
            raise

        async def once_more() -> Message:
            return first.pop() if first else await receive()

        async def closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await clients.aclose()  # not before: the application's own end may still need them
            await send(message)

        await self.app(scope, once_more, closing)


def _handler_for(app: Any, error: VendoError) -> Any:
    """The application's handler for an error, as Starlette looks for it."""
    handlers = app.exception_handlers if isinstance(app, Starlette) else {}
    # Those for every exception stand further out, and get what is raised.
    classes = (cls for cls in type(error).__mro__ if cls is not Exception)
    return next((handlers[cls] for cls in classes if cls in handlers), None)
