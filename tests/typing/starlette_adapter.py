"""The types of `vendo_starlette`, as a type checker sees them. Checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, assert_type

import aiohttp
import httpx2
import requests
from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

import vendo_starlette
from vendo import AsyncVendo, Health, Vendo, VendoIdentity, WebhookEvent
from vendo.testing import MockAsyncClient, MockClient
from vendo_starlette import (
    FromVendo,
    VendoMiddleware,
    VendoSettings,
    aclient,
    client,
    install,
    vendo_async_session,
    vendo_client,
    vendo_httpx,
    vendo_identity,
    vendo_routes,
    vendo_session,
    vendo_settings_source,
    vendo_sync_client,
    vendo_token,
    vendo_webhook,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

settings = VendoSettings(api_key="vendo_sk_", required=["openai"], webhook_secrets="whsec_")
VendoSettings("vendo_sk_")  # type: ignore[call-arg]
VendoSettings(api_kee="vendo_sk_")  # type: ignore[call-arg]
vendo_starlette.vendo_sesion  # type: ignore[attr-defined]  # noqa: B018  # misspelt

api = FastAPI(routes=vendo_routes())
api.add_middleware(VendoMiddleware, settings=settings)
install(api)
app = Starlette(middleware=[Middleware(VendoMiddleware, settings=settings)])
install(app, settings)
install(app, client=MockClient(), aclient=MockAsyncClient())
install(app, client=MockAsyncClient())  # type: ignore[arg-type]
assert_type(client(api), Vendo)
assert_type(aclient(app), AsyncVendo)
client("app")  # type: ignore[arg-type]


async def receive(event: WebhookEvent, request: Request) -> None: ...


def receive_in_thread(event: WebhookEvent, request: Request) -> int:
    return 1


def misunderstand(event: str) -> None: ...


assert_type(vendo_routes(receive), list[BaseRoute])
vendo_routes(receive_in_thread, path="/vendo")
vendo_routes(misunderstand)  # type: ignore[arg-type]

vendo_token()  # type: ignore[call-overload]
vendo_session("gmail", hosts=["api.example.com"], base_url="https://api.example.com")
vendo_session("gmail", host="api.example.com")  # type: ignore[call-arg]


class Keys(BaseSettings):
    openai: Annotated[SecretStr, FromVendo("openai")]
    tool: Annotated[SecretStr | None, FromVendo("my-tool")] = None

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *_: Any, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (*sources.values(), vendo_settings_source(settings_cls))


assert_type(vendo_settings_source(Keys), PydanticBaseSettingsSource)
vendo_settings_source(FastAPI)  # type: ignore[arg-type]
FromVendo(1)  # type: ignore[arg-type]


async def endpoint(request: Request, websocket: WebSocket) -> None:
    assert_type(await vendo_token("openai")(request), str)
    assert_type(await vendo_token("openai", default=None)(request), str | None)
    assert_type(await vendo_token("my-tool", default="")(request), str)
    assert_type(await aclient(request).token("openai", default=None), str | None)
    assert_type(client(websocket).token("openai", default=None), str | None)
    assert_type(await aclient(request).check(["openai"]), Health)
    assert_type(await vendo_session("gmail")(request), requests.Session)
    assert_type(await vendo_async_session("gmail")(websocket), aiohttp.ClientSession)
    assert_type(await vendo_httpx("gmail")(websocket), httpx2.AsyncClient)
    assert_type(await vendo_client()(request), AsyncVendo)
    assert_type(await vendo_sync_client()(request), Vendo)
    assert_type(await vendo_identity(required=False)(request), VendoIdentity | None)
    assert_type(await vendo_webhook()(request), WebhookEvent)
    assert_type(await aclient(request).token("openai"), str)
    assert_type(client(websocket).token("openai"), str)
