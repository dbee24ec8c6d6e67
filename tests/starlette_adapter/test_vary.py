"""A response that was made for a user says so in `Vary`, and no state is shared by requests."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from starlette_adapter.asgi import call, http_scope
from vendo import VendoIdentity
from vendo.sso import IDENTITY_HEADERS
from vendo_starlette import (
    VendoMiddleware,
    VendoSettings,
    aclient,
    install,
    vendo_identity,
    vendo_token,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from vendo.testing import LocalVendo

User = Annotated[VendoIdentity | None, Depends(vendo_identity(required=False))]
Token = Annotated[str, Depends(vendo_token("gmail"))]

IDENTITY = {"Cookie", *IDENTITY_HEADERS}
CLIENT = {"Cookie", "X-Vendo-User-JWT"}


async def who(request: Request) -> PlainTextResponse:
    user = request.state.vendo_identity
    return PlainTextResponse(user.email if user else "nobody", headers={"Vary": "Accept"})


async def public(request: Request) -> PlainTextResponse:
    assert request.state.vendo is not None
    return PlainTextResponse("public" * 500)


async def token(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.state.vendo.token("gmail"))


async def stream(request: Request) -> StreamingResponse:
    user = request.state.vendo_identity

    async def pieces() -> AsyncIterator[str]:
        yield user.email if user else "nobody"

    return StreamingResponse(pieces())


@pytest.fixture
def browser() -> TestClient:
    routes = [Route(f"/{endpoint.__name__}", endpoint) for endpoint in (who, public, token, stream)]
    app = Starlette(routes=routes)
    app.add_middleware(VendoMiddleware)
    app.add_middleware(GZipMiddleware)
    return TestClient(app)


def varied(response: Any) -> set[str]:
    return set(filter(None, response.headers.get("Vary", "").split(", ")))


def test_only_what_used_the_user_varies_on_them(
    browser: TestClient, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert varied(browser.get("/public", headers=proxy)) == {"Accept-Encoding"}
    for headers in (proxy, {}):
        assert IDENTITY | {"Accept"} <= varied(browser.get("/who", headers=headers))
        assert varied(browser.get("/stream", headers=headers)) >= IDENTITY
    monkeypatch.delenv("VENDO_AUTH")
    assert not varied(browser.get("/who", headers=proxy)) & IDENTITY
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "t")
    assert not varied(browser.get("/token")) & CLIENT


def test_what_used_the_client_varies_on_the_jwt(
    browser: TestClient, vendo_mode: LocalVendo
) -> None:
    assert varied(browser.get("/token")) >= CLIENT
    assert not varied(browser.get("/public")) & CLIENT


def test_a_mounted_application_with_its_own_client_says_so_too(vendo_mode: LocalVendo) -> None:
    async def token(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await aclient(request).token("gmail"))

    inner = Starlette(routes=[Route("/token", token)])
    install(inner, VendoSettings(timeout=5))
    app = VendoMiddleware(Starlette(routes=[Mount("/inner", inner)]))
    assert varied(TestClient(app).get("/inner/token")) == CLIENT


@pytest.mark.parametrize("middleware", [True, False])
def test_dependencies_say_so_with_and_without_the_middleware(
    middleware: bool, proxy: dict[str, str], vendo_mode: LocalVendo
) -> None:
    app = FastAPI()
    if middleware:
        app.add_middleware(VendoMiddleware)

    @app.get("/who")
    def who(user: User) -> str | None:
        return user.email if user else None

    @app.get("/token")
    def token(token: Token) -> str:
        return token

    @app.get("/public")
    def public() -> str:
        return "public"

    browser = TestClient(app)
    assert varied(browser.get("/who", headers=proxy)) == IDENTITY
    assert varied(browser.get("/token")) == CLIENT
    assert not varied(browser.get("/public"))


def test_the_user_of_each_request_is_its_own_where_the_server_shares_the_state(
    proxy: dict[str, str],
) -> None:
    """hypercorn 0.17 gives all requests of an HTTP/2 connection one state."""
    everyone = asyncio.Event()
    waiting: list[str] = []

    async def who(request: Request) -> JSONResponse:
        sent = request.headers["x-vendo-user-id"]
        waiting.append(sent)
        if len(waiting) == 20:
            everyone.set()
        await everyone.wait()
        return JSONResponse([sent, request.state.vendo_identity.user_id, request.state.of_parent])

    app = VendoMiddleware(Starlette(routes=[Route("/", who)]))
    shared = {"of_parent": 1}

    async def main() -> list[Any]:
        tasks = []
        for number in range(20):
            headers = {**proxy, "X-Vendo-User-Id": f"usr_{number}"}
            raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            scope = {**http_scope("/", "GET", raw), "state": shared}
            tasks.append(call(app, scope))
        return list(await asyncio.gather(*tasks))

    for messages in asyncio.run(main()):
        sent, found, of_parent = json.loads(messages[1]["body"])
        assert sent == found
        assert of_parent == 1
    assert shared == {"of_parent": 1}
