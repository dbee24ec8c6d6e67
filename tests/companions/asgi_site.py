"""A Starlette site that says which process serves it."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from vendo_starlette import VendoMiddleware, aclient, client, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket


async def process(request: Request) -> Response:
    return JSONResponse({"worker": os.getpid(), "parent": os.getppid()})


async def mail(request: Request) -> Response:
    async with (
        await request.state.vendo.session("gmail") as gmail,
        gmail.get("gmail/v1/users/me/profile") as response,
    ):
        return JSONResponse(await response.json())


async def token(request: Request) -> Response:
    return PlainTextResponse(await request.state.vendo.token(request.path_params["slug"]))


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    async for slug in socket.iter_text():
        await socket.send_text(await socket.state.vendo.token(slug))


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Keep a connection from the start on, and use it at the end."""
    await aclient(app).token("gmail")
    yield
    await aclient(app).connections.list()


app = Starlette(
    routes=[
        Route("/process", process),
        Route("/mail", mail),
        Route("/token/{slug}", token),
        WebSocketRoute("/talk", talk),
    ],
    middleware=[Middleware(VendoMiddleware)],
    lifespan=lifespan,
)
install(app)
# A preloading server forks with this token and the kept connection.
client(app).token("gmail")
