"""The check at the start and the end of an application with `install`, without the middleware."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from vendo import (
    AsyncVendo,
    AuthError,
    NotConnected,
    RetryPolicy,
    UpstreamTimeout,
    ValidationError,
    Vendo,
)
from vendo_starlette import (
    VendoMiddleware,
    VendoSettings,
    aclient,
    client,
    install,
    vendo_routes,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from vendo.testing import LocalVendo

REQUIRED = VendoSettings(required=["gmail"])


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_required_credentials_are_checked_once(
    kind: Callable[[], Starlette], vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    vendo_mode.fail("credentials", status=503, times=None)
    with_both = Starlette(middleware=[Middleware(VendoMiddleware)])
    for app in (kind(), with_both):
        caplog.clear()
        install(app, VendoSettings(required=["gmail"], timeout=1))
        install(app)
        with TestClient(app) as browser:
            assert browser.get("/").status_code == 404
        (record,) = caplog.records
        assert "were not checked" in record.getMessage()


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_an_application_does_not_start_without_a_required_credential(kind: Any) -> None:
    began: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        began.append("lifespan")
        yield

    app = kind(lifespan=lifespan)
    install(app, REQUIRED)
    with pytest.raises(NotConnected, match="GMAIL_ACCESS_TOKEN"), TestClient(app):
        raise AssertionError
    assert began == []


@pytest.mark.parametrize("settings", [{"required": ["gmail"]}, REQUIRED.required, "gmail"])
def test_other_settings_are_an_error(settings: Any) -> None:
    with pytest.raises(ValidationError, match="must be VendoSettings"):
        install(Starlette(), settings)
    with pytest.raises(ValidationError, match="must be VendoSettings"):
        VendoMiddleware(Starlette(), settings)


def test_whatever_the_check_raises_stops_the_start(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("vendo_starlette.clients.Clients.replay_store", fail)
    sent: list[Any] = []

    async def main() -> None:
        app = Starlette(middleware=[Middleware(VendoMiddleware)])

        async def receive() -> Any:
            return {"type": "lifespan.startup"}

        async def send(message: Any) -> None:
            sent.append(message)

        await app({"type": "lifespan"}, receive, send)

    with pytest.raises(RuntimeError, match="canary"):
        asyncio.run(main())
    assert sent == [{"type": "lifespan.startup.failed", "message": "vendo: canary"}]


class WithMethod:
    """An ASGI application of its own kind."""

    def routes(self) -> None: ...

    async def __call__(self, *_: Any) -> None: ...


def test_an_application_of_any_kind_may_be_mounted(vendo_mode: LocalVendo) -> None:
    first, second = Starlette(middleware=[Middleware(VendoMiddleware)]), FastAPI()
    first.mount("/self", first)
    first.mount("/second", second)
    second.mount("/first", first)
    second.mount("/other", WithMethod())
    with TestClient(first) as browser:
        assert browser.get("/").status_code == 404


def test_a_malformed_key_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "two words")
    app = Starlette()
    install(app)
    with pytest.raises(AuthError, match="white space"), TestClient(app):
        raise AssertionError


def test_the_applications_own_lifespan_runs_and_its_state_is_there(vendo_mode: LocalVendo) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        seen.append(await aclient(app).token("gmail"))
        yield {"greeting": "hello"}
        seen.append(await aclient(app).token("gmail"))

    async def greet(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.greeting)

    app = FastAPI(routes=[Route("/", greet)], lifespan=lifespan)
    install(app, REQUIRED)
    router = APIRouter(lifespan=lambda _: _noting(seen))
    app.include_router(router)
    with TestClient(app) as browser:
        assert browser.get("/").text == "hello"
    token = vendo_mode.token("gmail")
    assert seen == [token, "begins", "ends", token]


@asynccontextmanager
async def _noting(seen: list[str]) -> AsyncIterator[None]:
    seen.append("begins")
    yield
    seen.append("ends")


@pytest.mark.filterwarnings("ignore:.*on_event is deprecated:DeprecationWarning")
def test_event_handlers_run() -> None:
    seen: list[str] = []
    before: Any = FastAPI()
    before.router.on_startup.append(lambda: seen.append("before"))
    install(before)
    before.router.on_startup.append(lambda: seen.append("after"))
    before.router.on_shutdown.append(lambda: seen.append("end"))
    with TestClient(before):
        assert seen == ["before", "after"]
    assert seen == ["before", "after", "end"]


def test_a_mounted_application_is_not_checked_since_starlette_does_not_start_it() -> None:
    inner = Starlette()
    install(inner, REQUIRED)
    with TestClient(Starlette(routes=[Mount("/inner", inner)])) as browser:
        assert browser.get("/inner/").status_code == 404


def test_connections_close_at_the_end_and_open_after_a_restart(vendo_mode: LocalVendo) -> None:
    async def profile(request: Request) -> JSONResponse:
        blocking = client(request).session("gmail")
        response = await asyncio.to_thread(blocking.get, "gmail/v1/users/me/profile")
        return JSONResponse(response.json())

    app = Starlette(routes=[Route("/", profile)])
    install(app)
    for _ in range(2):
        with TestClient(app) as browser:
            assert browser.get("/").status_code == 200
        pool = client(app).session("gmail").get_adapter("https://x").poolmanager  # type: ignore[attr-defined]  # requests' own
        assert not pool.pools


def test_mocks_of_unittest_have_no_credentials_to_check() -> None:
    app = Starlette()
    mocks: dict[str, Any] = {
        "client": create_autospec(Vendo, instance=True),
        "aclient": create_autospec(AsyncVendo, instance=True),
    }
    install(app, REQUIRED, **mocks)
    with TestClient(app) as browser:
        assert browser.get("/").status_code == 404


@pytest.mark.parametrize("secret", [None, "whsec_canary"])
def test_a_webhook_route_without_a_secret_is_logged(
    secret: str | None, vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.delenv("VENDO_WEBHOOK_SECRET", raising=False)
    routes = vendo_routes(lambda event, request: None, may_connect=lambda request, slug: True)
    app = Starlette(routes=routes)
    install(app, VendoSettings(webhook_secrets=secret))
    with TestClient(app):
        (record,) = caplog.records
    expected = "The webhook route has no secret" if secret is None else "Two processes may handle"
    assert record.getMessage().startswith(expected)


class _Hanging:
    """A transport to a backend that never responds. It notes how long a request may take."""

    def __init__(self) -> None:
        self.timeouts: list[float] = []

    async def send(self, request: Any) -> Any:
        self.timeouts.append(request.timeout)
        raise UpstreamTimeout("upstream_error", "No response.")

    open = send

    async def aclose(self) -> None: ...


def test_a_start_waits_five_seconds_for_a_backend_that_hangs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport, app = _Hanging(), Starlette()
    given: Any = AsyncVendo("vendo_sk_canary", retry=RetryPolicy(1), transport=transport)
    install(app, REQUIRED, aclient=given)
    with TestClient(app):
        assert max(transport.timeouts) <= 5
    assert "were not checked" in caplog.text
