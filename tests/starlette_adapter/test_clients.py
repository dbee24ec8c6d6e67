"""Clients of the process, of an application, of a mounted one, and of a user."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router
from starlette.testclient import TestClient

from starlette_adapter.asgi import http_scope, request
from vendo import (
    AsyncVendo,
    AuthError,
    IdentityNotPresent,
    ValidationError,
    Vendo,
    VendoOnlyFeature,
)
from vendo.testing import LocalVendo
from vendo_starlette import VendoMiddleware, VendoSettings, aclient, client, install
from vendo_starlette.clients import Clients, clients_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, OTHER = "user.one.jwt", "user.other.jwt"


@pytest.fixture
def other_server() -> Iterator[LocalVendo]:
    with LocalVendo(connections={"gmail": {}}) as server:
        yield server


def settings_of(server: LocalVendo) -> VendoSettings:
    return VendoSettings(
        api_key=server.api_key, base_url=server.url, credentials_url=server.credentials_url
    )


async def tokens(request: Request) -> JSONResponse:
    """Return the tokens from every way to get a client."""
    ways = [
        await aclient(request).token("gmail"),
        await asyncio.to_thread(client(request).token, "gmail"),
    ]
    if hasattr(request.state, "vendo"):
        ways.append(await request.state.vendo.token("gmail"))
        ways.append(await asyncio.to_thread(request.state.vendo_sync.token, "gmail"))
    return JSONResponse(sorted(set(ways)))


async def health(request: Request) -> JSONResponse:
    found = await aclient(request.app).check(["gmail", "openai"])
    blocking = await asyncio.to_thread(client(request.app).check, ["gmail", "openai"])
    assert blocking == found
    return JSONResponse(list(found.problems), status_code=200 if found.ok else 503)


def test_a_health_page(vendo_mode: LocalVendo) -> None:
    browser = TestClient(Starlette(routes=[Route("/", health)]))
    assert browser.get("/").status_code == 200

    vendo_mode.disconnect("gmail")
    response = browser.get("/")
    assert response.status_code == 503
    assert ["gmail" in problem for problem in response.json()] == [True]


async def token(request: Request) -> JSONResponse:
    return JSONResponse([await aclient(request).token("gmail")])


def seen(app: Any, path: str = "/", jwt: str | None = None) -> Any:
    headers = {} if jwt is None else {"X-Vendo-User-JWT": jwt}
    with TestClient(app) as browser:
        return browser.get(path, headers=headers).json()


def test_an_application_without_settings_follows_the_environment(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Starlette(routes=[Route("/", tokens)])
    assert seen(app) == [vendo_mode.token("gmail")]

    for name in ("VENDO_API_KEY", "VENDO_CREDENTIALS_URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "of-the-environment")
    assert seen(app) == ["of-the-environment"]


@pytest.mark.parametrize("way", ["install", "middleware", "both", "around"])
def test_two_applications_do_not_share_a_key(
    way: str, server: LocalVendo, other_server: LocalVendo
) -> None:
    applications = []
    for settings in (settings_of(server), settings_of(other_server)):
        inside = [Middleware(VendoMiddleware, settings=settings)] if way == "middleware" else []
        if way == "both":
            inside = [Middleware(VendoMiddleware)]
        app: Any = Starlette(routes=[Route("/", tokens)], middleware=inside)
        if way in {"install", "both"}:
            install(app, settings)
        applications.append(VendoMiddleware(app, settings) if way == "around" else app)

    for _ in range(2):
        for app, asked in zip(applications, (server, other_server), strict=True):
            assert seen(app) == [asked.token("gmail")]
            assert seen(app, jwt=ONE) == [asked.token("gmail", user=ONE)]


@pytest.mark.parametrize("way", ["install", "middleware"])
def test_a_mounted_application_with_settings_has_its_own_clients(
    way: str, server: LocalVendo, other_server: LocalVendo
) -> None:
    inner = FastAPI(routes=[Route("/", tokens if way == "middleware" else token)])
    if way == "install":
        install(inner, settings_of(other_server))
    else:
        inner.add_middleware(VendoMiddleware, settings=settings_of(other_server))
    outer = Starlette(
        routes=[
            Route("/", tokens),
            Mount("/inner", inner),
            Mount("/plain", routes=[Route("/", tokens)]),
        ],
        middleware=[Middleware(VendoMiddleware, settings=settings_of(server))],
    )

    assert seen(outer) == [server.token("gmail")]
    assert seen(outer, "/inner/") == [other_server.token("gmail")]
    assert seen(outer, "/plain/") == [server.token("gmail")]


@pytest.mark.parametrize("way", ["install", "middleware"])
def test_a_mounted_application_without_settings_uses_the_outer_clients(
    way: str, server: LocalVendo
) -> None:
    inner = Starlette(routes=[Route("/", tokens)])
    given = settings_of(server)
    middleware = Middleware(VendoMiddleware, settings=given if way == "middleware" else None)
    outer = Starlette(routes=[Mount("/inner", inner)], middleware=[middleware])
    if way == "install":
        install(outer, given)

    assert seen(outer, "/inner/") == [server.token("gmail")]


def test_requests_of_two_users_have_two_tokens(vendo_mode: LocalVendo) -> None:
    app = Starlette(routes=[Route("/", tokens)], middleware=[Middleware(VendoMiddleware)])
    responses = [seen(app, jwt=jwt) for jwt in (ONE, OTHER, None, " ")]

    expected = [[vendo_mode.token("gmail", user=jwt)] for jwt in (ONE, OTHER, None, None)]
    assert responses == expected
    assert len({response[0] for response in responses}) == 3


def test_in_oss_mode_a_client_cannot_be_scoped_to_a_user() -> None:
    connection = HTTPConnection(http_scope(headers=[(b"x-vendo-user-jwt", ONE.encode())]))

    assert not client(connection).is_vendo_mode()
    with pytest.raises(VendoOnlyFeature):
        client(connection).for_user(ONE)


def test_two_different_jwts_in_one_request_are_an_error(vendo_mode: LocalVendo) -> None:
    headers = [(b"x-vendo-user-jwt", jwt.encode()) for jwt in (ONE, OTHER)]

    with pytest.raises(IdentityNotPresent, match="different values"):
        client(HTTPConnection(http_scope(headers=headers)))


def test_a_request_makes_its_client_once() -> None:
    connection = HTTPConnection(http_scope())

    assert client(connection) is client(Request(connection.scope))
    assert aclient(connection) is aclient(connection)
    assert isinstance(client(connection), Vendo)
    assert isinstance(aclient(connection), AsyncVendo)


def test_an_application_has_clients_outside_of_requests(server: LocalVendo) -> None:
    app = FastAPI()
    install(app, settings_of(server))

    assert client(app).token("gmail") == server.token("gmail")
    assert asyncio.run(aclient(app).token("gmail")) == server.token("gmail")
    assert client(app) is client(app)


def test_a_router_served_alone_follows_the_environment(vendo_mode: LocalVendo) -> None:
    router = Router(routes=[Route("/", tokens)])

    status, body = request(router, http_scope())
    assert (status, body.decode()) == (200, f'["{vendo_mode.token("gmail")}"]')


def test_a_malformed_key_is_an_error_on_first_use() -> None:
    app = Starlette()
    install(app, VendoSettings(api_key="two words"))

    for _ in range(2):
        with pytest.raises(AuthError, match="white space") as caught:
            client(app)
        frames = [frame.name for frame in caught.traceback]
        assert "__init__" not in frames  # its variables contain the key


def test_settings_cannot_be_given_twice(server: LocalVendo) -> None:
    app = Starlette(middleware=[Middleware(VendoMiddleware, settings=settings_of(server))])
    install(app, settings_of(server))
    with pytest.raises(ValidationError, match="twice"):
        install(app, settings_of(server))

    with pytest.raises(ValidationError, match="twice"), TestClient(app):
        raise AssertionError


def test_clients_made_before_install_are_replaced(server: LocalVendo) -> None:
    app = Starlette()
    assert not client(app).is_vendo_mode()

    install(app, settings_of(server))
    assert client(app).is_vendo_mode()


def test_a_deleted_application_is_freed(server: LocalVendo) -> None:
    app = Starlette()
    install(app, settings_of(server))
    kept = weakref.ref(clients_of(app))

    assert client(app).token("gmail")
    del app
    gc.collect()
    assert kept() is None


def test_the_repr_of_an_applications_clients_shows_no_key(server: LocalVendo) -> None:
    assert server.api_key not in repr(Clients(settings_of(server)))
