"""Extra `starlette`: the middleware and the ready routes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from vendo_starlette import VendoMiddleware, install, vendo_routes

if TYPE_CHECKING:
    from starlette.requests import Request


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.state.vendo.token("openai"))


app = Starlette(
    routes=[Route("/", home), *vendo_routes()], middleware=[Middleware(VendoMiddleware)]
)
install(app)
sent: list[Any] = []


async def main() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({**scope, "app": app}, receive, send)


asyncio.run(main())
assert sent[0]["status"] == 200
assert sent[1]["body"] == b"sk-probe"
