"""The ready-made routes: connecting a provider, and the identity."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from vendo import AuthError
from vendo.web import CONNECT_COOKIE
from vendo_starlette import VendoMiddleware, VendoSettings, aclient, client, install, vendo_routes

if TYPE_CHECKING:
    from starlette.requests import Request

    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/gmail/"
DONE = "/api/vendo/connect/done/"


@pytest.fixture(params=[Starlette, FastAPI])
def app(request: pytest.FixtureRequest) -> Any:
    async def token(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await aclient(request).token("gmail"))

    return request.param(routes=[Route("/token", token), *vendo_routes()])


def visitor(app: Any, **how: Any) -> TestClient:
    return TestClient(app, follow_redirects=False, **how)


def query_of(response: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(response.headers["Location"]).query)


def test_a_user_connects_and_comes_back_to_their_page(app: Any, vendo_mode: LocalVendo) -> None:
    browser = visitor(app)
    leaving = browser.get(CONNECT, params={"next": "/inbox?page=2"})
    parts, query = urlsplit(leaving.headers["Location"]), query_of(leaving)

    assert leaving.status_code == 302
    assert f"{parts.scheme}://{parts.netloc}" == vendo_mode.url
    assert parts.path == "/connections/connect/gmail"
    assert query["return_to"] == ["http://testserver" + DONE]
    assert query["app_key"] == [vendo_mode.api_key]
    assert leaving.headers["Cache-Control"] == "no-store"
    cookie = leaving.headers["Set-Cookie"]
    assert cookie.startswith(f"{CONNECT_COOKIE}=")
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=3600"} <= set(cookie.split("; "))
    assert "Secure" not in cookie

    back = browser.get(DONE, params={"state": query["state"][0], "slug": "gmail"})
    assert (back.status_code, back.headers["Location"]) == (302, "/inbox?page=2")
    assert back.headers["Cache-Control"] == "no-store"


def test_over_https_the_cookie_is_secure(app: Any, vendo_mode: LocalVendo) -> None:
    leaving = visitor(app, base_url="https://testserver").get(CONNECT)

    assert "Secure" in leaving.headers["Set-Cookie"].split("; ")
    assert query_of(leaving)["return_to"] == ["https://testserver" + DONE]


def test_connecting_in_two_tabs_works(app: Any, vendo_mode: LocalVendo) -> None:
    browser = visitor(app)
    states = [
        query_of(browser.get(CONNECT, params={"next": f"/{tab}"}))["state"][0]
        for tab in ("one", "other")
    ]

    for tab, state in zip(("one", "other"), states, strict=True):
        assert browser.get(DONE, params={"state": state}).headers["Location"] == f"/{tab}"


@pytest.mark.parametrize(
    "next_address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
        "http://testserver.evil.example/",
    ],
)
def test_next_addresses_on_other_hosts_are_400(
    app: Any, vendo_mode: LocalVendo, next_address: str
) -> None:
    response = visitor(app).get(CONNECT, params={"next": next_address})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "validation_failed"
    assert "evil" not in response.text


def test_another_browser_cannot_use_the_state(app: Any, vendo_mode: LocalVendo) -> None:
    state = query_of(visitor(app).get(CONNECT))["state"][0]

    for cookies in ({}, {CONNECT_COOKIE: "x" * 32}):
        browser = visitor(app, cookies=cookies)
        assert browser.get(DONE, params={"state": state}).status_code == 400
    assert visitor(app).get(DONE).status_code == 400


def test_after_connecting_the_new_token_is_used(app: Any, vendo_mode: LocalVendo) -> None:
    jwt = {"X-Vendo-User-JWT": "user.one.jwt"}
    browser = visitor(app)
    browser.get("/token", headers=jwt)
    client(app).token("gmail")
    state = query_of(browser.get(CONNECT))["state"][0]
    vendo_mode.rotate("gmail")

    browser.get(DONE, params={"state": state}, headers=jwt)
    fresh = vendo_mode.token("gmail", user="user.one.jwt")
    assert browser.get("/token", headers=jwt).text == fresh
    assert client(app).token("gmail") == vendo_mode.token("gmail")


def test_behind_the_proxy_connecting_needs_a_signed_in_user(
    app: Any, vendo_mode: LocalVendo, proxy: dict[str, str]
) -> None:
    rejected = visitor(app).get(CONNECT)

    assert rejected.status_code == 401
    assert vendo_mode.api_key not in str(rejected.headers) + rejected.text
    assert visitor(app).get(CONNECT, headers=proxy).status_code == 302


def test_in_oss_mode_connecting_responds_with_501(app: Any) -> None:
    for path in (CONNECT, DONE):
        response = visitor(app).get(path)
        assert response.status_code == 501
        assert response.json()["error"]["code"] == "vendo_only_feature"


def test_a_malformed_slug_is_400(app: Any, vendo_mode: LocalVendo) -> None:
    assert visitor(app).get("/api/vendo/connect/no%20slug/").status_code == 400


def test_pages_accept_only_get_and_head(app: Any, vendo_mode: LocalVendo) -> None:
    for path in (CONNECT, DONE, "/api/vendo/identity"):
        assert visitor(app).post(path).status_code == 405
    assert visitor(app).head(CONNECT).status_code == 302


@pytest.mark.parametrize("slug", ["gmail", "connect", "done-deal"])
def test_mounted_routes_use_their_own_return_address(slug: str, vendo_mode: LocalVendo) -> None:
    inner = Starlette(routes=vendo_routes(path="/connect"))
    around = VendoMiddleware(Starlette(routes=[Mount("/deep/down", inner)]), VendoSettings())

    leaving = visitor(around).get(f"/deep/down/connect/connect/{slug}/")
    back = query_of(leaving)["return_to"][0]
    assert back == "http://testserver/deep/down/connect/connect/done/"
    assert visitor(around).get(back).status_code == 400  # the route exists, and needs a state


def test_the_return_address_has_the_prefix_that_a_proxy_strips(
    app: Any, vendo_mode: LocalVendo
) -> None:
    leaving = visitor(app, root_path="/shop").get("/shop" + CONNECT)
    assert query_of(leaving)["return_to"] == ["http://testserver/shop" + DONE]


def test_the_identity_endpoint_responds_with_the_platforms_fields(
    app: Any, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    response = visitor(app).get("/api/vendo/identity", headers=proxy)
    assert response.json()["user_id"] == "5f0c1a9e"
    assert response.json()["logout_url"] == "/__vendo/auth/logout"
    assert response.headers["Cache-Control"] == "no-store"

    assert visitor(app).get("/api/vendo/identity").status_code == 401
    monkeypatch.delenv("VENDO_AUTH")
    forged = visitor(app).get("/api/vendo/identity", headers=proxy)
    assert forged.status_code == 401
    assert "ada" not in forged.text


def test_an_internal_failure_is_logged_and_not_in_the_response(
    app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "canary key")
    with caplog.at_level(logging.ERROR, "vendo"):
        response = visitor(app).get(CONNECT)

    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
    (record,) = caplog.records
    assert record.exc_info
    assert isinstance(record.exc_info[1], AuthError)
    assert "canary" not in caplog.text


def test_the_key_of_the_settings_signs_the_state(vendo_mode: LocalVendo) -> None:
    apps = []
    for key in ("vendo_sk_" + "a" * 32, "vendo_sk_" + "b" * 32):
        app = Starlette(routes=vendo_routes())
        install(app, VendoSettings(api_key=key))
        apps.append(visitor(app))
    state = query_of(apps[0].get(CONNECT))["state"][0]
    cookies = dict(apps[0].cookies)

    apps[1].cookies.update(cookies)
    assert apps[1].get(DONE, params={"state": state}).status_code == 400
    assert apps[0].get(DONE, params={"state": state}).status_code == 302
