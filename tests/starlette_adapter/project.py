"""A FastAPI application that uses every dependency, for test clients and for real servers."""

# Without `from __future__ import annotations`, as most FastAPI users write it.

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import aiohttp
import httpx2
import requests
from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from vendo import AsyncVendo, Vendo, VendoIdentity, WebhookEvent
from vendo_starlette import (
    VendoMiddleware,
    install,
    vendo_async_session,
    vendo_client,
    vendo_httpx,
    vendo_identity,
    vendo_routes,
    vendo_session,
    vendo_sync_client,
    vendo_token,
    vendo_webhook,
)

PROFILE = "gmail/v1/users/me/profile"

Token = Annotated[str, Depends(vendo_token("gmail"))]
Session = Annotated[requests.Session, Depends(vendo_session("gmail"))]
AsyncSession = Annotated[aiohttp.ClientSession, Depends(vendo_async_session("gmail"))]
Httpx = Annotated[httpx2.AsyncClient, Depends(vendo_httpx("gmail"))]
Client = Annotated[AsyncVendo, Depends(vendo_client())]
SyncClient = Annotated[Vendo, Depends(vendo_sync_client())]
User = Annotated[VendoIdentity, Depends(vendo_identity())]
OptionalUser = Annotated[VendoIdentity | None, Depends(vendo_identity(required=False))]
Webhook = Annotated[WebhookEvent, Depends(vendo_webhook())]

#: Results of work after the responses were sent.
done: list[Any] = []


def make_app(*, middleware: bool = False, installed: bool = False) -> FastAPI:
    """Make the application, with or without the middleware and `install`."""
    app = FastAPI(routes=vendo_routes(lambda event, _: done.append(event.id)))
    if middleware:
        app.add_middleware(VendoMiddleware)
    if installed:
        install(app)
    app.include_router(router_of_dependencies())
    return app


def router_of_dependencies() -> Any:
    from fastapi import APIRouter

    router = APIRouter()
    endpoints: dict[str, Any] = {
        "/optional": optional,
        "/token": token,
        "/token-in-thread": token_in_thread,
        "/session": session,
        "/async-session": async_session,
        "/httpx": httpx,
        "/clients": clients,
        "/stream/session": stream_session,
        "/stream/async-session": stream_async_session,
        "/stream/httpx": stream_httpx,
        "/background": background,
        "/user": user,
        "/optional-user": optional_user,
        "/blocking": blocking,
    }
    for path, endpoint in endpoints.items():
        router.add_api_route(path, endpoint, methods=["GET"], response_model=None)
    router.add_api_route("/webhook", webhook, methods=["POST"], response_model=None)
    router.add_api_websocket_route("/ws", talk)
    return router


async def optional(
    sentry: Annotated[str | None, Depends(vendo_token("sentry", default=None))],
    fallback: Annotated[list[str] | str, Depends(vendo_token("sentry", default=["-"]))],
    gmail: Annotated[str | None, Depends(vendo_token("gmail", default=None))],
) -> Any:
    return [sentry, fallback, gmail]


async def token(token: Token) -> str:
    return token


def token_in_thread(token: Token) -> str:
    return token


def session(gmail: Session) -> Any:
    return gmail.get(PROFILE).json()


async def async_session(gmail: AsyncSession) -> Any:
    async with gmail.get(PROFILE) as response:
        return await response.json()


async def httpx(gmail: Httpx) -> Any:
    return (await gmail.get(PROFILE)).json()


async def clients(client: Client, sync_client: SyncClient) -> list[str]:
    return [
        await client.token("gmail"),
        await asyncio.to_thread(sync_client.token, "gmail"),
    ]


def stream_session(gmail: Session) -> Any:
    def pieces() -> Iterator[str]:
        for _ in range(3):
            yield gmail.get(PROFILE).json()["emailAddress"] + "\n"

    return StreamingResponse(pieces())


async def stream_async_session(gmail: AsyncSession) -> Any:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(3):
            async with gmail.get(PROFILE) as response:
                yield (await response.json())["emailAddress"] + "\n"

    return StreamingResponse(pieces())


async def stream_httpx(gmail: Httpx) -> Any:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(3):
            yield (await gmail.get(PROFILE)).json()["emailAddress"] + "\n"

    return StreamingResponse(pieces())


async def background(
    tasks: BackgroundTasks, session: Session, async_session: AsyncSession, httpx: Httpx
) -> None:
    def in_thread() -> None:
        done.append(session.get(PROFILE).json()["emailAddress"])

    async def on_loop() -> None:
        async with async_session.get(PROFILE) as response:
            done.append((await response.json())["emailAddress"])
        done.append((await httpx.get(PROFILE)).json()["emailAddress"])

    tasks.add_task(in_thread)
    tasks.add_task(on_loop)


async def user(user: User) -> str:
    return user.email


async def optional_user(user: OptionalUser) -> str | None:
    return user.email if user else None


async def blocking(gmail: Session) -> list[str]:
    return [gmail.get(PROFILE).json()["emailAddress"] for _ in range(2)]


async def webhook(event: Webhook) -> str:
    return event.id


async def talk(
    websocket: WebSocket, token: Token, gmail: AsyncSession, httpx: Httpx, client: Client
) -> None:
    await websocket.accept()
    async for _ in websocket.iter_text():
        async with gmail.get(PROFILE) as response:
            address = (await response.json())["emailAddress"]
        other = (await httpx.get(PROFILE)).json()["emailAddress"]
        await websocket.send_json([token, await client.token("gmail"), address, other])


app = make_app(middleware=True, installed=True)
bare = make_app()
