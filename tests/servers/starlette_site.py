"""The Starlette site: who is signed in, a page that needs a provider, and the ready-made routes."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from servers import CROWD
from servers.handling import handle
from vendo_starlette import VendoMiddleware, VendoSettings, install, vendo_routes

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from vendo import WebhookEvent

#: Each request of a crowd waits for all others.
_crowd = asyncio.Barrier(CROWD)


def anyone(connection: HTTPConnection, slug: str) -> bool:
    return True


async def who(request: Request) -> Response:
    user = request.state.vendo_identity
    return PlainTextResponse(user.user_id if user else "nobody")


async def page(request: Request) -> Response:
    return PlainTextResponse(await request.state.vendo.token("slack"))


async def crowded(request: Request) -> Response:
    """Return what the request knows after all requests of a crowd have arrived."""
    request.state.number = request.query_params["number"]
    await _crowd.wait()
    return JSONResponse(
        {
            "user": request.state.vendo_identity.user_id,
            "number": request.state.number,
            "token": await request.state.vendo.token("gmail"),
            "token in thread": await asyncio.to_thread(request.state.vendo_sync.token, "gmail"),
        }
    )


def receive(event: WebhookEvent, request: Request) -> None:
    handle(event)


app = Starlette(
    routes=[
        Route("/who/", who),
        Route("/page/", page),
        Route("/crowded/", crowded),
        *vendo_routes(receive, may_connect=anyone),
    ],
    middleware=[Middleware(VendoMiddleware)],
)
install(app, VendoSettings(redis_url=os.environ.get("SITE_REDIS_URL")))

_shared: dict[str, Any] = {}


async def on_sharing_server(scope: Scope, receive: Receive, send: Send) -> None:
    """The site on a server that shares `scope["state"]` between requests."""
    await app({**scope, "state": _shared}, receive, send)
