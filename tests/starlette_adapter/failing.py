"""Applications that fail everywhere, and install nothing but `install`."""

# Without `from __future__ import annotations`, as most FastAPI users write it.

from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from vendo import AuthError, NotConnected
from vendo_starlette import VendoSettings, aclient, install


async def request(request: Request) -> Any:
    raise AuthError("app_unknown", "failed-request")


async def slug(request: Request) -> Any:
    await aclient(request).token("failed slug")


async def stream(request: Request) -> Any:
    async def pieces() -> AsyncIterator[str]:
        yield "first"
        raise NotConnected("binding_missing", "failed-stream")

    return StreamingResponse(pieces())


async def background(request: Request) -> Any:
    async def work() -> None:
        raise NotConnected("binding_missing", "failed-background")

    return PlainTextResponse("sent", background=BackgroundTask(work))


async def websocket(websocket: WebSocket) -> None:
    await websocket.accept()
    raise AuthError("app_unknown", "failed-websocket")


async def mounted(request: Request) -> Any:
    raise AuthError("app_unknown", "failed-mounted")


#: What each path does, and the text that its failure logs.
PATHS = {
    "/request": (500, "failed-request"),
    "/slug": (500, "failed slug"),
    "/mounted/": (500, "failed-mounted"),
    "/installed/": (500, "failed-mounted"),
    "/background": (200, "failed-background"),
}


def routes() -> list[BaseRoute]:
    installed = Starlette(routes=[Route("/", mounted)])
    install(installed)
    return [
        Route("/request", request),
        Route("/slug", slug),
        Route("/stream", stream),
        Route("/background", background),
        WebSocketRoute("/ws", websocket),
        Mount("/mounted", Starlette(routes=[Route("/", mounted)])),
        Mount("/installed", installed),
    ]


SETTINGS = VendoSettings(required=["gmail"], timeout=1)

plain = Starlette(routes=routes())
install(plain, SETTINGS)
api = FastAPI(routes=routes())
install(api, SETTINGS)
