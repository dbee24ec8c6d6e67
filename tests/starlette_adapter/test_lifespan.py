"""Startup and shutdown of an application."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from starlette_adapter.asgi import call
from vendo import AuthError, NotConnected, ValidationError, VendoError
from vendo_starlette import (
    VendoMiddleware,
    VendoSettings,
    aclient,
    client,
    install,
    vendo_routes,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from vendo.testing import LocalVendo

START = {"type": "lifespan.startup"}
END = {"type": "lifespan.shutdown"}


def requiring(*slugs: str, **settings: Any) -> Starlette:
    given = VendoSettings(required=slugs, **settings)
    return Starlette(middleware=[Middleware(VendoMiddleware, settings=given)])


def test_an_application_starts_with_the_required_credentials(
    vendo_mode: LocalVendo,
) -> None:
    with TestClient(requiring("gmail", "openai")) as browser:
        assert browser.get("/").status_code == 404
    assert vendo_mode.count("credentials") == 1  # one request for both, now cached


def test_an_application_does_not_start_without_a_required_credential(
    vendo_mode: LocalVendo,
) -> None:
    with (
        pytest.raises(NotConnected) as caught,
        TestClient(requiring("slack", "gmail", "notion")),
    ):
        raise AssertionError
    assert "slack" in str(caught.value)
    assert "notion" in str(caught.value)
    assert "gmail" not in str(caught.value)


def test_a_credential_connected_during_the_check_counts(
    vendo_mode: LocalVendo,
) -> None:
    vendo_mode.fail("credentials", body={"tokens": {}}, status=200)
    with TestClient(requiring("gmail")) as browser:
        assert browser.get("/").status_code == 404
    assert vendo_mode.count("credentials") == 2


def test_in_oss_mode_a_required_credential_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotConnected, match="OPENAI_API_KEY"), TestClient(requiring("openai")):
        raise AssertionError
    monkeypatch.setenv("OPENAI_API_KEY", "sk-there")
    with TestClient(requiring("openai")) as browser:
        assert browser.get("/").status_code == 404


@pytest.mark.parametrize("status", [503, 429])
def test_an_application_starts_while_vendo_does_not_respond_or_limits_the_rate(
    status: int, vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    vendo_mode.fail("credentials", status=status, times=None)
    with caplog.at_level(logging.WARNING, "vendo"), TestClient(requiring("gmail", timeout=1.0)):
        pass
    assert "were not checked" in caplog.text
    assert vendo_mode.api_key not in caplog.text


def test_an_application_starts_if_the_request_for_the_reason_fails(
    vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture
) -> None:
    vendo_mode.fail("credentials", 503, slug="slack", times=None)
    with (
        caplog.at_level(logging.WARNING, "vendo"),
        TestClient(requiring("gmail", "slack", timeout=1.0)),
    ):
        pass
    assert "were not checked" in caplog.text


@pytest.mark.parametrize("code", ["provider_unknown", "profile_unsupported"])
def test_an_error_of_one_required_provider_stops_the_start(
    code: str, vendo_mode: LocalVendo
) -> None:
    vendo_mode.fail("credentials", slug="slack", code=code, times=None)
    with pytest.raises(NotConnected, match="'slack'"), TestClient(requiring("gmail", "slack")):
        raise AssertionError


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"api_key": "two words"}, AuthError),
        ({"base_url": "http://example.com"}, ValidationError),
        ({"timeout": -1}, ValidationError),
        ({"api_key": "vendo_sk_refused", "required": ["gmail"]}, AuthError),
    ],
)
def test_malformed_and_rejected_settings_stop_the_start(
    settings: dict[str, Any], error: type[VendoError], vendo_mode: LocalVendo
) -> None:
    app = Starlette(middleware=[Middleware(VendoMiddleware)])
    install(app, VendoSettings(**settings))
    with pytest.raises(error) as caught, TestClient(app):
        raise AssertionError
    assert "two words" not in str(caught.value)
    assert "refused" not in str(caught.value.message).split()


def test_the_server_gets_the_reason_why_the_application_does_not_start() -> None:
    sent: list[Any] = []

    async def live() -> None:
        async def receive() -> Any:
            return START

        async def send(message: Any) -> None:
            sent.append(message)

        await requiring("openai")({"type": "lifespan", "state": {}}, receive, send)

    with pytest.raises(NotConnected):
        asyncio.run(live())
    assert sent[0]["type"] == "lifespan.startup.failed"
    assert sent[0]["message"].startswith("vendo: ")
    assert "OPENAI_API_KEY" in sent[0]["message"]


def test_the_applications_lifespan_runs_and_can_use_clients(
    vendo_mode: LocalVendo,
) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        seen.append(await aclient(app).token("gmail"))
        yield {"greeting": "hello"}
        async with await aclient(app).session("gmail") as session:
            response = await session.get("gmail/v1/users/me/profile")
            seen.append((await response.json())["emailAddress"])

    async def greet(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.greeting)

    app = Starlette(
        routes=[Route("/", greet)], middleware=[Middleware(VendoMiddleware)], lifespan=lifespan
    )
    with TestClient(app) as browser:
        assert browser.get("/").text == "hello"
    assert len(seen) == 2


def test_connections_close_at_shutdown_and_open_after_a_restart(
    vendo_mode: LocalVendo,
) -> None:
    async def profile(request: Request) -> JSONResponse:
        async with await request.state.vendo.session("gmail") as session:
            response = await session.get("gmail/v1/users/me/profile")
            found = [await response.json()]
        blocking = request.state.vendo_sync.session("gmail")
        found.append((await asyncio.to_thread(blocking.get, "gmail/v1/users/me/profile")).json())
        return JSONResponse(found)

    app = Starlette(routes=[Route("/", profile)], middleware=[Middleware(VendoMiddleware)])
    for _ in range(2):
        with TestClient(app) as browser:
            first, second = browser.get("/").json()
            assert first == second
            opened = vendo_mode.connections_opened
            browser.get("/")
            assert vendo_mode.connections_opened == opened
    assert vendo_mode.connections_opened > opened - 1
    pool = client(app).session("gmail").get_adapter("https://x").poolmanager  # type: ignore[attr-defined]  # requests' own
    assert not pool.pools  # closed with the application


def test_the_error_of_an_application_without_lifespan_is_passed_on() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("no lifespan here")

    with pytest.raises(RuntimeError, match="no lifespan here"):
        asyncio.run(call(VendoMiddleware(app), {"type": "lifespan"}, [START]))


def test_a_middleware_around_an_application_handles_its_lifespan(vendo_mode: LocalVendo) -> None:
    app = Starlette()
    around = VendoMiddleware(app, VendoSettings(required=["gmail"]))

    sent = asyncio.run(call(around, {"type": "lifespan", "state": {}}, [START, END]))
    kinds = [message["type"] for message in sent]
    assert kinds == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert vendo_mode.count("credentials") == 1


def _logged_at_start(caplog: pytest.LogCaptureFixture, *routes: Any) -> str:
    caplog.clear()
    with TestClient(Starlette(routes=list(routes), middleware=[Middleware(VendoMiddleware)])):
        return "\n".join(
            record.getMessage() for record in caplog.records if record.name == "vendo_starlette"
        )


def test_a_start_logs_a_connect_route_that_is_closed_to_everybody(
    vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = _logged_at_start(caplog, Mount("/in", routes=vendo_routes(), name="in"))
    assert "The connect route is closed" in text
    assert "vendo_routes(may_connect=" in text
    assert vendo_mode.api_key not in text

    assert not _logged_at_start(caplog, *vendo_routes(may_connect=lambda request, slug: True))
    assert not _logged_at_start(caplog)
    monkeypatch.setenv("VENDO_AUTH", "1")
    assert not _logged_at_start(caplog, *vendo_routes())


def test_in_oss_mode_a_start_logs_nothing_of_routes(caplog: pytest.LogCaptureFixture) -> None:
    assert not _logged_at_start(caplog, *vendo_routes(lambda event, request: None))


def test_a_start_logs_webhooks_that_each_process_remembers_by_itself(
    vendo_mode: LocalVendo, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    how: dict[str, Any] = {"may_connect": lambda request, slug: True}

    def receive(event: Any, request: Request) -> None: ...

    assert "VENDO_REDIS_URL" in _logged_at_start(caplog, *vendo_routes(receive, **how))
    assert not _logged_at_start(caplog, *vendo_routes(**how))
    monkeypatch.setenv("VENDO_REDIS_URL", "redis://127.0.0.1:1/0")
    assert not _logged_at_start(caplog, *vendo_routes(receive, **how))


def test_a_malformed_redis_url_stops_the_start(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_REDIS_URL", "canary://:canary@127.0.0.1")
    error = pytest.raises(ValidationError, match="in VENDO_REDIS_URL is malformed")
    with error as caught, TestClient(requiring()):
        pass
    assert "canary" not in str(caught.value)
