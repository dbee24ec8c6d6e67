"""The claims of the page on security that need a framework, in Starlette."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import vendo
from support.connect_flow import query_of
from vendo.sso import IDENTITY_HEADERS
from vendo_starlette import VendoMiddleware, aclient, vendo_routes

if TYPE_CHECKING:
    from starlette.requests import Request

    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/slack/"
DONE = "/api/vendo/connect/done/"


async def token(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await aclient(request).token("gmail"))


async def who(request: Request) -> PlainTextResponse:
    user = request.state.vendo_identity
    return PlainTextResponse(user.email if user else "nobody")


def site(may_connect: Any = lambda request, slug: True) -> TestClient:
    routes = [Route("/token", token), Route("/who", who), *vendo_routes(may_connect=may_connect)]
    app = Starlette(routes=routes, middleware=[Middleware(VendoMiddleware)])
    return TestClient(app, follow_redirects=False)


def test_without_the_platforms_proxy_all_users_of_an_application_share_its_connections(
    vendo_mode: LocalVendo,
) -> None:
    tokens = {site().get("/token", headers={"Cookie": f"user={user}"}).text for user in "ab"}
    assert tokens == {vendo_mode.token("gmail")}


def test_with_the_proxy_a_request_uses_the_connections_of_its_own_user(
    vendo_mode: LocalVendo,
) -> None:
    browser = site()
    for jwt in ("ada.a.jwt", "bob.b.jwt", "ada.a.jwt"):
        token = browser.get("/token", headers={"X-Vendo-User-JWT": jwt}).text
        assert token == vendo_mode.token("gmail", user=jwt)


def test_all_who_can_open_the_connect_view_hold_the_api_key(vendo_mode: LocalVendo) -> None:
    key = query_of(site().get(CONNECT).headers["Location"])["app_key"]

    assert key == vendo_mode.api_key
    assert vendo.Vendo(key).token("openai") == "sk-openai"


def test_the_connect_view_is_closed_until_the_application_defines_who_may_connect(
    vendo_mode: LocalVendo, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(rule: Any = None, **headers: str) -> int:
        response = site(rule).get(CONNECT, headers=headers)
        has_key = vendo_mode.api_key in f"{response.headers} {response.text}"
        assert has_key == (response.status_code == 302)
        return response.status_code

    assert get() == 401
    roles = {"owner": 302, "member": 302, "viewer": 403}
    assert {role: get(**{**proxy, "X-Vendo-Role": role}) for role in roles} == roles
    monkeypatch.delenv("VENDO_AUTH")
    assert get() == get(**proxy) == get(lambda request, slug: False) == 403
    assert get(lambda request, slug: True) == 302


def test_no_cache_keeps_a_response_of_the_connect_view(vendo_mode: LocalVendo) -> None:
    browser = site()
    leaving = browser.get(CONNECT)
    state = query_of(leaving.headers["Location"])["state"]
    back = browser.get(DONE, params={"state": state})
    closed = site(None).get(CONNECT)

    assert [leaving.status_code, back.status_code, closed.status_code] == [302, 302, 403]
    for response in (leaving, back, closed, browser.get(DONE)):
        assert "no-store" in response.headers["Cache-Control"]


def test_a_response_that_used_the_user_has_a_vary_for_it(proxy: dict[str, str]) -> None:
    varied = site().get("/who", headers=proxy).headers["Vary"].split(", ")
    assert set(varied) == {"Cookie", *IDENTITY_HEADERS}


def test_the_repr_of_a_requests_headers_masks_the_jwt(vendo_mode: LocalVendo) -> None:
    shown: list[str] = []

    async def endpoint(request: Request) -> PlainTextResponse:
        shown.append(f"{request.headers!r} {request.scope['headers']!r}")
        return PlainTextResponse(request.headers["x-vendo-user-jwt"])

    app = Starlette(routes=[Route("/", endpoint)], middleware=[Middleware(VendoMiddleware)])
    response = TestClient(app).get("/", headers={"X-Vendo-User-JWT": "ada.a.jwt"})
    assert response.text == "ada.a.jwt"
    assert "x-vendo-user-jwt" in shown[0]
    assert "ada.a.jwt" not in shown[0]
