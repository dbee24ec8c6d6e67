"""The application."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import aiohttp
from fastapi import Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse

from vendo import AsyncVendo, WebhookEvent
from vendo_starlette import (
    VendoMiddleware,
    aclient,
    install,
    vendo_async_session,
    vendo_client,
    vendo_routes,
)


def may_connect(request: Any, slug: str) -> bool:
    return True


def receive(event: WebhookEvent, request: Request) -> None:
    with Path(os.environ["SHOP_EVENTS"]).open("a") as file:
        file.write(f"{event.id}\n")


app = FastAPI(routes=vendo_routes(receive, may_connect=may_connect))
install(app)


@app.middleware("http")
async def name_worker(request: Request, call_next: Any) -> Any:
    response = await call_next(request)
    response.headers["X-Worker"] = str(os.getpid())
    return response


app.add_middleware(VendoMiddleware)


@app.get("/live/")
async def live() -> str:
    return "ok"


@app.get("/healthz/")
async def healthz(response: Response) -> dict[str, bool]:
    health = await aclient(app).check(["gmail"])
    response.status_code = 200 if health.ok else 503
    return {"ok": health.ok}


@app.get("/page/{slug}/", response_class=PlainTextResponse)
async def page(client: Annotated[AsyncVendo, Depends(vendo_client())], slug: str) -> str:
    return await client.token(slug)


@app.websocket("/socket/")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


@app.get("/mail/")
async def mail(
    gmail: Annotated[aiohttp.ClientSession, Depends(vendo_async_session("gmail"))],
) -> str:
    async with gmail.get("gmail/v1/users/me/profile") as response:
        response.raise_for_status()
        return str((await response.json())["emailAddress"])


async def _events() -> AsyncIterator[str]:
    yield "data: first\n\n"
    await asyncio.Event().wait()  # until the visitor leaves


@app.get("/stream/")
async def stream() -> StreamingResponse:
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_events(), media_type="text/event-stream", headers=headers)
