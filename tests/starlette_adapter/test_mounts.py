"""Applications in applications: each request has the clients of the application that it is in."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import BaseRoute, Host, Mount, Route
from starlette.testclient import TestClient

from vendo import NotConnected
from vendo.testing import LocalVendo
from vendo_starlette import VendoMiddleware, VendoSettings, aclient, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.responses import Response


@pytest.fixture
def servers() -> Iterator[list[LocalVendo]]:
    with ExitStack() as stack:
        yield [stack.enter_context(LocalVendo(connections={"gmail": {}})) for _ in range(3)]


def settings_of(server: LocalVendo) -> VendoSettings:
    return VendoSettings(
        api_key=server.api_key, base_url=server.url, credentials_url=server.credentials_url
    )


async def _both(request: Request) -> str:
    found = {await request.state.vendo.token("gmail"), await aclient(request).token("gmail")}
    return " or ".join(sorted(found))


class Noting(BaseHTTPMiddleware):
    """Adds the token that a middleware gets after the response, while a stream still goes on."""

    def __init__(self, app: Any, name: str) -> None:
        super().__init__(app)
        self.name = name

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers[f"X-{self.name}"] = await _both(request)
        return response


def inside(server: LocalVendo, name: str) -> list[Middleware]:
    return [
        Middleware(VendoMiddleware, settings=settings_of(server)),
        Middleware(Noting, name=name),
    ]


async def token(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await _both(request))


async def stream(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(3):
            yield await _both(request) + "\n"

    return StreamingResponse(pieces())


ROUTES: list[BaseRoute] = [Route("/token", token), Route("/stream", stream)]


def nested(servers: list[LocalVendo]) -> Starlette:
    """Return an application in one in one, each with its own key."""
    outer_server, middle_server, inner_server = servers
    inner = FastAPI(routes=ROUTES, middleware=inside(inner_server, "Inner"))
    middle = FastAPI(routes=ROUTES, middleware=inside(middle_server, "Middle"))
    middle.mount("/inner", inner)
    router = APIRouter(routes=ROUTES)
    outer = FastAPI(
        routes=[Mount("/middle", middle), Host("middle.example", middle)],
        middleware=inside(outer_server, "Outer"),
    )
    outer.include_router(router, prefix="/included")
    return outer


def headers_of(server_of: dict[str, LocalVendo]) -> dict[str, str]:
    return {f"x-{name}": server.token("gmail") for name, server in server_of.items()}


@pytest.mark.parametrize("path", ["token", "stream"])
def test_each_application_has_its_own_clients_before_and_after_the_response(
    path: str, servers: list[LocalVendo]
) -> None:
    outer, middle, inner = servers
    expected = {
        f"/included/{path}": {"outer": outer},
        f"/middle/{path}": {"outer": outer, "middle": middle},
        f"http://middle.example/{path}": {"outer": outer, "middle": middle},
        f"/middle/inner/{path}": {"outer": outer, "middle": middle, "inner": inner},
    }
    app = nested(servers)

    async def visit(browser: httpx.AsyncClient, path: str, used: dict[str, LocalVendo]) -> None:
        response = await browser.get(path)
        assert set(response.text.split()) == {[*used.values()][-1].token("gmail")}
        assert dict(response.headers) | headers_of(used) == dict(response.headers)

    async def visits() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as browser:
            for _ in range(2):
                await asyncio.gather(*(visit(browser, *each) for each in expected.items()))
        await aclient(app).aclose()

    asyncio.run(visits())


@pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi is deprecated")
def test_a_wsgi_application_below_leaves_the_clients_of_the_one_around_it(
    servers: list[LocalVendo],
) -> None:
    from starlette.middleware.wsgi import WSGIMiddleware

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    routes = [Mount("/below", WSGIMiddleware(wsgi))]
    app = Starlette(routes=routes, middleware=inside(servers[0], "Outer"))

    response = TestClient(app).get("/below/page")
    assert response.text == "/page"
    assert response.headers["x-outer"] == servers[0].token("gmail")


async def fail(request: Request) -> PlainTextResponse:
    raise NotConnected("binding_missing", "Not connected.", slug="slack")


def test_a_mounted_application_handles_its_own_errors_and_a_mounted_router_does_not() -> None:
    """As in Starlette: each application has its own exception handlers."""
    bare, own = Starlette(routes=[Route("/", fail)]), Starlette(routes=[Route("/", fail)])
    install(own)
    router = Mount("/router", routes=[Route("/", fail)])
    outer = Starlette(routes=[Mount("/bare", bare), Mount("/own", own), router])
    install(outer)

    browser = TestClient(outer, raise_server_exceptions=False)
    statuses = [browser.get(f"/{path}/").status_code for path in ("bare", "own", "router")]
    assert statuses == [500, 424, 424]
