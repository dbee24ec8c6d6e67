"""The responses to vendo's errors that reach the application, for browsers and API clients."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from support.connect_flow import BROWSER, button_of, is_page
from vendo import (
    AuthError,
    BalanceExhausted,
    IdentityNotPresent,
    NeedsReauth,
    NotConnected,
    RateLimited,
    SpendCapExceeded,
    UpstreamError,
    UpstreamTimeout,
    ValidationError,
    VendoError,
    VendoOnlyFeature,
)
from vendo_starlette import VendoMiddleware, install, vendo_routes
from vendo_starlette.errors import handle_error

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from vendo.testing import LocalVendo

UNCONNECTED = NotConnected("binding_missing", "Not connected.", slug="slack")


def application(
    error: Exception,
    *,
    routes: bool = True,
    kind: Any = Starlette,
    may_connect: Any = lambda request, slug: True,
    **how: Any,
) -> Any:
    async def fail(request: Request) -> PlainTextResponse:
        raise error

    async def fail_at_once(websocket: WebSocket) -> None:
        raise error

    async def fail_later(websocket: WebSocket) -> None:
        await websocket.accept()
        raise error

    async def fail_at_the_end(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4000)
        raise error

    app = kind(
        routes=[
            Route("/page", fail, methods=["GET", "POST"]),
            WebSocketRoute("/ws", fail_at_once),
            WebSocketRoute("/ws/later", fail_later),
            WebSocketRoute("/ws/end", fail_at_the_end),
            *(vendo_routes(may_connect=may_connect) if routes else ()),
        ]
    )
    install(app, **how)
    return app


def visitor(app: Any) -> TestClient:
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_an_api_client_gets_424_with_the_connect_link(kind: Any, vendo_mode: LocalVendo) -> None:
    response = visitor(application(UNCONNECTED, kind=kind)).get("/page?number=2")

    assert response.status_code == 424
    assert response.json()["error"] == {
        "code": "binding_missing",
        "message": "Not connected.",
        "slug": "slack",
        "connect_url": "/api/vendo/connect/slack/?next=%2Fpage%3Fnumber%3D2",
    }
    assert response.headers["Vary"] == "Accept"
    assert vendo_mode.api_key not in response.text


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_a_browser_gets_a_page_with_a_button_and_comes_back(
    kind: Any, vendo_mode: LocalVendo
) -> None:
    browser = visitor(application(UNCONNECTED, kind=kind))
    response = browser.get("/page?number=2", headers=BROWSER)

    assert (response.status_code, response.headers["Vary"]) == (424, "Accept")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert is_page(response.text, "Slack is not connected", "Connect Slack")
    link = button_of(response.text)
    assert link == "/api/vendo/connect/slack/?next=%2Fpage%3Fnumber%3D2"
    assert browser.get(link).headers["Location"].startswith(vendo_mode.url)


def test_after_a_denial_the_page_says_so_and_the_button_is_the_users_choice(
    vendo_mode: LocalVendo,
) -> None:
    browser = visitor(application(UNCONNECTED))
    response = browser.get("/page?vendo_connect=denied&slug=slack", headers=BROWSER)

    assert response.status_code == 424
    assert is_page(response.text, "You did not connect Slack")
    assert button_of(response.text) == "/api/vendo/connect/slack/?next=%2Fpage"


def test_a_user_who_may_not_connect_gets_no_button(
    vendo_mode: LocalVendo, proxy: dict[str, str]
) -> None:
    browser = visitor(application(UNCONNECTED, may_connect=None))
    page = browser.get("/page", headers={**proxy, **BROWSER, "X-Vendo-Role": "viewer"}).text
    assert button_of(page) is None
    assert is_page(page, "Ask a user who may connect Slack.")

    page = browser.get("/page", headers=BROWSER).text
    assert button_of(page) is None
    assert is_page(page, "Sign in")


@pytest.mark.parametrize("is_async", [True, False])
def test_the_application_can_replace_the_page(is_async: bool, vendo_mode: LocalVendo) -> None:
    def page(request: Request, error: VendoError, connect_url: str | None) -> PlainTextResponse:
        return PlainTextResponse(f"{request.url.path} {error.slug} {connect_url}", 418)

    async def apage(request: Request, error: VendoError, connect_url: str | None) -> Any:
        return page(request, error, connect_url)

    make = apage if is_async else page
    browser = visitor(application(UNCONNECTED, error_page=make))
    response = browser.get("/page", headers=BROWSER)
    link = "/api/vendo/connect/slack/?next=%2Fpage"
    assert (response.status_code, response.text) == (418, f"/page slack {link}")
    assert browser.get("/page").status_code == 424
    malformed = browser.get("/api/vendo/connect/no%20slug/", headers=BROWSER)
    assert malformed.text == "/api/vendo/connect/no slug/ None None"

    closed = visitor(application(UNCONNECTED, error_page=make, may_connect=lambda *_: False))
    assert closed.get("/page", headers=BROWSER).text == "/page slack None"


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/form/?a=b", "http://testserver/form/?a=b"),
        ("https://evil.example/", "/"),
        ("", "/"),
    ],
)
def test_after_a_form_the_user_comes_back_to_its_page(
    referer: str, back: str, vendo_mode: LocalVendo
) -> None:
    headers = {**BROWSER, "Referer": referer}
    page = visitor(application(UNCONNECTED)).post("/page", headers=headers).text
    link = button_of(page)

    assert link
    assert parse_qs(urlsplit(link).query)["next"] == [back]


def test_in_oss_mode_the_page_names_the_variable_in_debug_mode_alone() -> None:
    error = NotConnected("binding_missing", "m", slug="gmail", suggested_fix="Set GMAIL_TOKEN.")
    for debug in (False, True):
        app = application(error)
        app.debug = debug
        response = visitor(app).get("/page", headers=BROWSER)
        assert response.status_code == 424
        assert is_page(response.text, "Gmail is not connected")
        assert button_of(response.text) is None
        assert ("GMAIL_TOKEN" in response.text) is debug


def test_after_a_script_the_user_comes_back_to_its_page(vendo_mode: LocalVendo) -> None:
    headers = {"Accept": "*/*", "Referer": "http://testserver/inbox"}
    response = visitor(application(UNCONNECTED)).get("/page", headers=headers)

    link = response.json()["error"]["connect_url"]
    assert parse_qs(urlsplit(link).query)["next"] == ["http://testserver/inbox"]


def test_in_oss_mode_there_is_no_connect_link() -> None:
    response = visitor(application(UNCONNECTED)).get("/page")

    assert response.status_code == 424
    assert response.json()["error"]["connect_url"] is None


def test_without_the_routes_there_is_no_link(vendo_mode: LocalVendo) -> None:
    response = visitor(application(UNCONNECTED, routes=False)).get("/page")

    assert response.status_code == 424
    assert response.json()["error"]["connect_url"] is None


def test_a_mounted_application_finds_the_link_of_the_outer_one(vendo_mode: LocalVendo) -> None:
    inner = application(UNCONNECTED, routes=False)
    routes = vendo_routes(may_connect=lambda request, slug: True)
    outer = Starlette(routes=[Mount("/api/mail", inner), *routes])
    response = visitor(outer).get("/api/mail/page", headers=BROWSER)

    assert button_of(response.text) == "/api/vendo/connect/slack/?next=%2Fapi%2Fmail%2Fpage"


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_an_error_in_a_middleware_finds_the_link_too(kind: Any, vendo_mode: LocalVendo) -> None:
    class Failing:
        def __init__(self, app: Any) -> None: ...

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            raise UNCONNECTED

    app = application(UNCONNECTED, kind=kind)
    app.add_middleware(Failing)
    app.add_middleware(VendoMiddleware)
    response = visitor(app).get("/any")

    assert response.status_code == 424
    link = "/api/vendo/connect/slack/?next=%2Fany"
    assert response.json()["error"]["connect_url"] == link
    assert button_of(visitor(app).get("/any", headers=BROWSER).text) == link


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NeedsReauth("connection_needs_reauth", "m", slug="gmail"), 424),
        (RateLimited("upstream_rate_limited", "m", retry_after=3), 429),
        (SpendCapExceeded("spend_cap_daily", "m"), 429),
        (BalanceExhausted("balance_exhausted", "m"), 402),
        (IdentityNotPresent("identity_not_present", "m"), 401),
        (UpstreamError("upstream_error", "m"), 502),
        (UpstreamTimeout("upstream_error", "m"), 504),
        (VendoOnlyFeature("vendo_only_feature", "m"), 501),
    ],
)
def test_each_error_has_its_status(error: VendoError, status: int) -> None:
    response = visitor(application(error)).get("/page")

    assert (response.status_code, response.json()["error"]["code"]) == (status, error.code)
    assert response.headers.get("Retry-After") == ("3" if error.retry_after else None)


@pytest.mark.parametrize(
    "error",
    [
        AuthError("app_unknown", "The key is canary."),
        ValidationError("validation_failed", "About canary."),
        VendoError("something_new", "About canary."),
    ],
)
def test_internal_errors_are_logged_and_not_in_the_response(
    error: VendoError, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "vendo"):
        response = visitor(application(error)).get("/page")

    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert "canary" not in response.text
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[1] is error


def test_other_errors_are_not_handled() -> None:
    with pytest.raises(ZeroDivisionError):
        TestClient(application(ZeroDivisionError())).get("/page")


async def _pass_on(error: Exception) -> None:
    await handle_error(None, error)  # type: ignore[arg-type]  # it is not looked at


def test_the_handler_raises_other_errors_again() -> None:
    import asyncio

    with pytest.raises(ZeroDivisionError):
        asyncio.run(_pass_on(ZeroDivisionError()))


def test_without_install_errors_are_not_handled() -> None:
    async def fail(request: Request) -> PlainTextResponse:
        raise UNCONNECTED

    with pytest.raises(NotConnected):
        TestClient(Starlette(routes=[Route("/", fail)])).get("/")


def test_the_applications_own_handler_wins() -> None:
    async def own(request: Any, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("my own", 418)

    app = application(UNCONNECTED)
    del app.exception_handlers[VendoError]
    app.add_exception_handler(VendoError, own)
    install(app)
    assert visitor(app).get("/page").text == "my own"


def test_install_after_the_start_is_an_error() -> None:
    app = Starlette()
    TestClient(app).get("/")
    with pytest.raises(RuntimeError, match="before"):
        install(app)


def test_a_websocket_that_is_not_open_gets_the_response_of_a_request(
    vendo_mode: LocalVendo,
) -> None:
    browser = visitor(application(UNCONNECTED))
    with pytest.raises(WebSocketDenialResponse) as caught, browser.websocket_connect("/ws"):
        raise AssertionError

    denial: Any = caught.value
    assert denial.status_code == 424
    assert denial.json()["error"]["connect_url"] == "/api/vendo/connect/slack/?next=%2F"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UNCONNECTED, 1008),
        (RateLimited("upstream_rate_limited", "m"), 1013),
        (UpstreamError("upstream_error", "m"), 1011),
        (AuthError("app_unknown", "canary"), 1011),
    ],
)
def test_an_open_websocket_is_closed_with_the_errors_code(error: VendoError, code: int) -> None:
    browser = visitor(application(error))
    with (
        browser.websocket_connect("/ws/later") as websocket,
        pytest.raises(WebSocketDisconnect) as caught,
    ):
        websocket.receive_text()
    reason = "internal_error" if isinstance(error, AuthError) else error.code
    assert (caught.value.code, caught.value.reason) == (code, reason)


def test_an_error_after_close_does_not_close_a_websocket_again() -> None:
    with (
        visitor(application(UNCONNECTED)).websocket_connect("/ws/end") as websocket,
        pytest.raises(WebSocketDisconnect) as caught,
    ):
        websocket.receive_text()
    assert caught.value.code == 4000


def test_without_denial_responses_the_websocket_is_closed() -> None:
    import asyncio

    from starlette_adapter.asgi import call

    scope = {
        "type": "websocket", "path": "/ws", "root_path": "", "query_string": b"", "headers": [],
        "subprotocols": [], "scheme": "ws",
    }  # fmt: skip
    sent = asyncio.run(call(application(UNCONNECTED), scope))
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "binding_missing"}]
