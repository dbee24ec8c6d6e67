"""One client in place of that of a whole application, by `install` or by an override."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from unittest.mock import create_autospec

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from starlette_adapter import project
from support.connect_flow import query_of
from vendo import AsyncVendo, ValidationError, Vendo
from vendo.testing import LocalVendo, MockAsyncClient, MockClient
from vendo_starlette import (
    VendoMiddleware,
    VendoSettings,
    aclient,
    client,
    install,
    vendo_async_session,
    vendo_client,
    vendo_httpx,
    vendo_routes,
    vendo_session,
    vendo_sync_client,
    vendo_token,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKENS = {"gmail": "sk-test-mock"}
USER = {"X-Vendo-User-JWT": "user.one.jwt"}


async def everywhere(
    request: Request,
    token: Annotated[str, Depends(vendo_token("gmail"))],
    session: Annotated[Any, Depends(vendo_session("gmail"))],
    async_session: Annotated[Any, Depends(vendo_async_session("gmail"))],
    httpx: Annotated[Any, Depends(vendo_httpx("gmail"))],
    asynchronous: Annotated[AsyncVendo, Depends(vendo_client())],
    blocking: Annotated[Vendo, Depends(vendo_sync_client())],
) -> list[str]:
    """Return the token of every way to a client."""
    return [
        token,
        await aclient(request).token("gmail"),
        client(request).token("gmail"),
        await aclient(request.app).token("gmail"),
        await request.state.vendo.token("gmail"),
        request.state.vendo_sync.token("gmail"),
        await asynchronous.token("gmail"),
        blocking.token("gmail"),
    ]


def application(**how: Any) -> FastAPI:
    app = FastAPI(routes=vendo_routes(may_connect=lambda request, slug: True))
    app.add_api_route("/", everywhere)
    app.add_middleware(VendoMiddleware, **how)
    install(app)
    return app


@pytest.mark.parametrize("headers", [{}, USER])
@pytest.mark.parametrize("how", [{}, {"settings": VendoSettings(api_key="vendo_sk_real")}])
def test_mocks_of_an_application_are_its_clients_everywhere(
    how: dict[str, Any], headers: dict[str, str]
) -> None:
    app = application(**how)
    install(app, client=MockClient(TOKENS), aclient=MockAsyncClient(TOKENS))
    with TestClient(app) as browser:
        assert browser.get("/", headers=headers).json() == ["sk-test-mock"] * 8
        left = browser.get("/api/vendo/connect/slack/", follow_redirects=False)
        assert "mock" in query_of(left.headers["Location"])["app_key"]

        install(app, client=MockClient({"gmail": "b"}), aclient=MockAsyncClient({"gmail": "b"}))
        assert browser.get("/", headers=headers).json() == ["b"] * 8


def test_sessions_of_an_application_take_the_token_of_its_clients(server: LocalVendo) -> None:
    """Clients against a local server, without a variable of the environment."""
    app = project.make_app()
    with server.client() as blocking:
        install(app, client=blocking, aclient=server.async_client())
        browser = TestClient(app)
        for path in ("/session", "/async-session", "/httpx"):
            assert "@example.com" in browser.get(path).json()["emailAddress"]
        assert browser.get("/clients").json() == [server.token("gmail")] * 2
        one = browser.get("/clients", headers=USER).json()
        assert one == [server.token("gmail", user=USER["X-Vendo-User-JWT"])] * 2


@pytest.fixture
def autospecced() -> tuple[Any, Any]:
    blocking = create_autospec(Vendo, instance=True)
    asynchronous = create_autospec(AsyncVendo, instance=True)
    for mock in (blocking, asynchronous):
        mock.token.return_value = "sk-test-mock"
        mock.for_request.return_value = mock
    return blocking, asynchronous


@pytest.mark.parametrize("headers", [{}, USER])
def test_autospecced_clients_are_fine(autospecced: Any, headers: dict[str, str]) -> None:
    blocking, asynchronous = autospecced
    app = application()
    install(app, client=blocking, aclient=asynchronous)
    with TestClient(app) as browser:
        assert browser.get("/", headers=headers).json() == ["sk-test-mock"] * 8
    asynchronous.session.assert_awaited_once()
    asynchronous.aclose.assert_not_called()
    blocking.close.assert_not_called()


def test_an_application_of_starlette_has_its_mocks_too() -> None:
    async def endpoint(request: Request) -> JSONResponse:
        ways = (vendo_token("gmail")(request), aclient(request).token("gmail"))
        return JSONResponse([await way for way in ways])

    app = Starlette(routes=[Route("/", endpoint)])
    install(app, aclient=MockAsyncClient(TOKENS))
    assert TestClient(app).get("/").json() == ["sk-test-mock"] * 2
    around = VendoMiddleware(app, VendoSettings(api_key="vendo_sk_real"))
    assert TestClient(around).get("/").json() == ["sk-test-mock"] * 2


@pytest.mark.parametrize(
    "given",
    [
        {"client": MockAsyncClient()},
        {"aclient": MockClient()},
        {"client": "a mock"},
    ],
)
def test_a_client_of_another_type_is_an_error(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must be an instance of"):
        install(FastAPI(), **given)


def overrides() -> Iterator[Callable[[], Any]]:
    mock, blocking = MockAsyncClient(TOKENS), MockClient(TOKENS)

    async def asynchronous() -> Any:
        return mock

    class Given:
        def __call__(self, given: Any = blocking) -> Any:
            return given

    yield lambda: (lambda: mock, lambda: blocking)
    yield lambda: (asynchronous, Given())


@pytest.mark.parametrize("make", list(overrides()))
def test_an_override_of_a_client_is_one_of_all_that_comes_from_it(make: Any) -> None:
    app = project.make_app()
    asynchronous, blocking = make()
    app.dependency_overrides[vendo_client()] = asynchronous
    app.dependency_overrides[vendo_sync_client()] = blocking
    seen: list[Any] = []

    def sessions(
        session: Annotated[Any, Depends(vendo_session("gmail"))],
        async_session: Annotated[Any, Depends(vendo_async_session("gmail"))],
        httpx: Annotated[Any, Depends(vendo_httpx("gmail"))],
    ) -> None:
        seen.extend([session, async_session, httpx])

    app.add_api_route("/sessions", sessions)
    browser = TestClient(app)
    assert browser.get("/token").json() == "sk-test-mock"
    assert browser.get("/clients").json() == ["sk-test-mock"] * 2
    assert browser.get("/sessions").status_code == 200
    assert len(seen) == 3

    app.dependency_overrides[vendo_token("gmail")] = lambda: "of its own"
    assert browser.get("/token").json() == "of its own"


async def _with_a_parameter(request: Request) -> Any: ...


def _with_yield() -> Iterator[Any]:
    yield MockAsyncClient(TOKENS)


@pytest.mark.parametrize("override", [_with_a_parameter, _with_yield])
def test_an_override_that_only_fastapi_can_call_is_an_error(override: Any) -> None:
    app = project.make_app()
    app.dependency_overrides[vendo_client()] = override
    with pytest.raises(ValidationError, match=r"override of vendo_client\(\) must be"):
        TestClient(app).get("/token")
