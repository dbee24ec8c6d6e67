"""The middleware: the clients and the identity on a request's state."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from starlette_adapter.asgi import call, http_scope, request
from vendo import AsyncVendo, NotConnected, ValidationError, Vendo, VendoError, VendoIdentity
from vendo_starlette import VendoMiddleware, VendoSettings, aclient, client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from vendo.testing import LocalVendo

ONE, OTHER = "user.one.jwt", "user.other.jwt"


def application(*routes: Any, **settings: Any) -> Starlette:
    return Starlette(routes=routes, middleware=[Middleware(VendoMiddleware)], **settings)


def headers_of(jwt: str | None) -> dict[str, str]:
    return {} if jwt is None else {"X-Vendo-User-JWT": jwt}


def test_a_websocket_has_the_users_clients(vendo_mode: LocalVendo) -> None:
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        state = websocket.state
        await websocket.send_text(await state.vendo.token("gmail"))
        await websocket.send_text(await asyncio.to_thread(state.vendo_sync.token, "gmail"))
        await websocket.close()

    browser = TestClient(application(WebSocketRoute("/", talk)))
    for jwt in (ONE, OTHER, None):
        with browser.websocket_connect("/", headers=headers_of(jwt)) as websocket:
            received = {websocket.receive_text(), websocket.receive_text()}
        assert received == {vendo_mode.token("gmail", user=jwt)}


def test_both_modes_have_both_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "of-the-environment")

    async def tokens(request: Request) -> JSONResponse:
        state = request.state
        return JSONResponse([await state.vendo.token("gmail"), state.vendo_sync.token("gmail")])

    response = TestClient(application(Route("/", tokens))).get("/", headers=headers_of(ONE))
    assert response.json() == ["of-the-environment"] * 2


def test_clients_work_in_streams_and_background_tasks(vendo_mode: LocalVendo) -> None:
    later: list[str] = []

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            for _ in range(2):
                yield await request.state.vendo.token("gmail") + "\n"

        def afterwards() -> None:
            later.append(request.state.vendo_sync.token("gmail"))

        return StreamingResponse(pieces(), background=BackgroundTask(afterwards))

    def sync_stream(request: Request) -> Response:
        def pieces() -> Iterator[str]:
            for _ in range(2):
                yield request.state.vendo_sync.token("gmail") + "\n"

        async def afterwards() -> None:
            later.append(await request.state.vendo.token("gmail"))

        return StreamingResponse(pieces(), background=BackgroundTask(afterwards))

    browser = TestClient(application(Route("/", stream), Route("/sync", sync_stream)))
    token = vendo_mode.token("gmail", user=ONE)
    for path in ("/", "/sync"):
        assert browser.get(path, headers=headers_of(ONE)).text.split() == [token] * 2
    assert later == [token] * 2


def test_a_client_works_after_its_request(vendo_mode: LocalVendo) -> None:
    kept: list[Any] = []

    async def view(request: Request) -> Response:
        kept.extend([request.state.vendo_sync, client(request)])
        return Response()

    TestClient(application(Route("/", view))).get("/", headers=headers_of(ONE))
    for vendo in kept:
        assert vendo.token("gmail") == vendo_mode.token("gmail", user=ONE)


def test_a_lazy_proxy_behaves_as_the_client() -> None:
    seen: list[Any] = []

    async def view(request: Request) -> Response:
        state = request.state
        both: list[Any] = [
            (state.vendo, aclient(request), AsyncVendo),
            (state.vendo_sync, client(request), Vendo),
        ]
        for proxied, real, kind in both:
            assert isinstance(proxied, kind)
            assert proxied == real
            assert {proxied: 1}[real] == 1
            assert proxied == proxied  # noqa: PLR0124  # two proxies of one client are equal
            assert repr(proxied) == repr(real)
            assert dir(proxied) == dir(real)
            assert copy.copy(proxied) is copy.deepcopy(proxied) is real
            assert proxied.timeout == 30.0
            with pytest.raises(AttributeError, match="tokenn"):
                _ = proxied.tokenn
        assert state.vendo != state.vendo_sync
        with pytest.raises(ValidationError, match="pickled"):
            pickle.dumps(state.vendo)
        assert isinstance(pickle.loads(pickle.dumps(state.vendo_sync)), Vendo)
        seen.append(state)
        return Response()

    TestClient(application(Route("/", view))).get("/")
    assert seen


def test_a_users_client_cannot_be_pickled(vendo_mode: LocalVendo) -> None:
    async def view(request: Request) -> Response:
        with pytest.raises(ValidationError, match="scoped to a user"):
            pickle.dumps(request.state.vendo_sync)
        return PlainTextResponse("not pickled")

    browser = TestClient(application(Route("/", view)))
    assert browser.get("/", headers=headers_of(ONE)).text == "not pickled"


def test_an_unused_client_is_not_made() -> None:
    async def view(request: Request) -> Response:
        return PlainTextResponse("fine")

    app = Starlette(routes=[Route("/", view)])
    around = VendoMiddleware(app, VendoSettings(api_key="malformed key"))
    assert request(around, http_scope()) == (200, b"fine")


def test_state_is_shared_with_outer_middlewares() -> None:
    class Around(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            request.state.outer = "outer"
            response: Response = await call_next(request)
            response.headers["X-Inner"] = request.state.inner
            return response

    async def view(request: Request) -> Response:
        request.state.inner = "inner"
        return PlainTextResponse(request.state.outer + request.state.vendo.__class__.__name__)

    middleware = [Middleware(Around), Middleware(VendoMiddleware)]
    response = TestClient(Starlette(routes=[Route("/", view)], middleware=middleware)).get("/")
    assert response.text == "outerAsyncVendo"
    assert response.headers["X-Inner"] == "inner"


def test_the_user_is_set_only_behind_the_proxy(
    proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[VendoIdentity | None] = []

    async def view(request: Request) -> Response:
        seen.append(request.state.vendo_identity)
        return Response()

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        seen.append(websocket.state.vendo_identity)
        await websocket.close()

    browser = TestClient(application(Route("/", view), WebSocketRoute("/ws", talk)))

    def visit() -> None:
        browser.get("/", headers=proxy)
        with browser.websocket_connect("/ws", headers=proxy) as websocket:
            websocket.receive()

    visit()
    browser.get("/")
    ada = VendoIdentity("5f0c1a9e", "ada@example.com", "Ada Example", "tenant-1", "member")
    assert seen == [ada, ada, None]
    seen.clear()
    monkeypatch.delenv("VENDO_AUTH")
    visit()
    assert seen == [None, None]


def test_other_scopes_are_passed_on_unchanged() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope = {"type": "mcp.session", "something": 1}
    asyncio.run(call(VendoMiddleware(app), scope))
    assert seen == [{"type": "mcp.session", "something": 1}]


def test_any_asgi_application_can_be_wrapped(vendo_mode: LocalVendo) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        token = await scope["state"]["vendo"].token("gmail")
        await PlainTextResponse(token)(scope, receive, send)

    scope = http_scope(headers=[(b"x-vendo-user-jwt", ONE.encode())])
    status, body = request(VendoMiddleware(app), scope)
    assert (status, body.decode()) == (200, vendo_mode.token("gmail", user=ONE))


def test_an_error_in_another_middleware_reaches_the_applications_handler() -> None:
    class Failing:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
                return
            raise NotConnected("binding_missing", "Not connected.", slug="slack")

    async def handle(request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"handled {error}", 424)

    def handle_in_thread(request: Request, error: Exception) -> Response:
        return PlainTextResponse("handled in a thread", 424)

    middleware = [Middleware(VendoMiddleware), Middleware(Failing)]
    for handler, text in (
        (handle, "handled Not connected."),
        (handle_in_thread, "handled in a thread"),
    ):
        for handled in (NotConnected, VendoError):
            app = Starlette(middleware=middleware, exception_handlers={handled: handler})
            response = TestClient(app).get("/")
            assert (response.status_code, response.text) == (424, text)
    others: list[dict[Any, Any]] = [{}, {ValidationError: handle}, {404: handle}]
    for handlers in others:
        with pytest.raises(NotConnected):
            TestClient(Starlette(middleware=middleware, exception_handlers=handlers)).get("/")


def test_an_error_in_the_middleware_itself_is_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def handle(request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"handled: {error}", 500)

    app = application(exception_handlers={ValidationError: handle})
    with TestClient(app) as browser:
        monkeypatch.setenv("VENDO_AUTH", "1\x07")
        assert "VENDO_AUTH" in browser.get("/").text


def test_an_error_during_a_response_is_raised() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise NotConnected("binding_missing", "Not connected.")

    async def handle(request: Request, error: Exception) -> Response:
        raise AssertionError

    handling = Starlette(exception_handlers={NotConnected: handle})
    scope = {**http_scope(), "app": handling}
    with pytest.raises(NotConnected):
        asyncio.run(call(VendoMiddleware(app), scope))


def test_the_repr_of_the_middleware_shows_no_secret() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    assert repr(VendoMiddleware(app, VendoSettings(api_key="k"))) == "<VendoMiddleware>"
