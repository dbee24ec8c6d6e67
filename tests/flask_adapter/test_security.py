"""The claims of the page on security that need a framework, in Flask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from flask import request

import vendo
from flask_adapter.site import make_app
from support.connect_flow import BROWSER, button_of, query_of
from vendo.sso import IDENTITY_HEADERS

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/slack/"
DONE = "/api/vendo/connect/done/"


def test_without_the_platforms_proxy_all_users_of_an_application_share_its_connections(
    vendo_mode: LocalVendo,
) -> None:
    app = make_app()
    ada, bob = app.test_client(), app.test_client()
    ada.set_cookie("session", "ada")
    bob.set_cookie("session", "bob")

    tokens = {user.get("/token/").text for user in (ada, bob)}
    assert tokens == {vendo_mode.token("gmail")}


def test_with_the_proxy_a_request_uses_the_connections_of_its_own_user(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    for jwt in ("ada.a.jwt", "bob.b.jwt", "ada.a.jwt"):
        token = browser.get("/token/", headers={"X-Vendo-User-JWT": jwt}).text
        assert token == vendo_mode.token("gmail", user=jwt)


def test_all_who_can_open_the_connect_view_hold_the_api_key(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    key = query_of(browser.get(CONNECT).location)["app_key"]

    assert key == vendo_mode.api_key
    assert vendo.Vendo(key).token("openai") == "sk-openai"


def test_the_connect_view_is_closed_until_the_application_defines_who_may_connect(
    vendo_mode: LocalVendo, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(rule: Any = None, **headers: str) -> int:
        response = make_app(may_connect=rule).test_client().get(CONNECT, headers=headers)
        has_key = vendo_mode.api_key in f"{response.headers} {response.text}"
        assert has_key == (response.status_code == 302)
        return response.status_code

    assert get() == 401
    roles = {"owner": 302, "member": 302, "viewer": 403}
    assert {role: get(**{**proxy, "X-Vendo-Role": role}) for role in roles} == roles
    monkeypatch.delenv("VENDO_AUTH")
    assert get() == get(**proxy) == get(lambda request, slug: False) == 403
    assert get(lambda request, slug: True) == 302


def test_after_a_denial_the_browser_is_not_sent_to_connect_again(vendo_mode: LocalVendo) -> None:
    browser = make_app(errors=True).test_client()
    page = browser.get("/unconnected/", headers=BROWSER)
    link = button_of(page.text)
    assert link
    state = query_of(browser.get(link).location)["state"]
    back = browser.get(DONE, query_string={"state": state, "status": "denied"})
    assert back.location == "/unconnected/?vendo_connect=denied&slug=slack"
    again = browser.get(back.location, headers=BROWSER)

    for shown in (page, again):
        assert shown.status_code == 424
        assert "Location" not in shown.headers
        assert "http-equiv" not in shown.text
        assert "<script" not in shown.text


def test_no_cache_keeps_a_response_of_the_connect_view(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    leaving = browser.get(CONNECT)
    state = query_of(leaving.location)["state"]
    back = browser.get(DONE, query_string={"state": state})
    closed = make_app(may_connect=None).test_client().get(CONNECT)

    assert [leaving.status_code, back.status_code, closed.status_code] == [302, 302, 403]
    for response in (leaving, back, closed, browser.get(DONE)):
        assert "no-store" in response.headers["Cache-Control"]


def test_another_site_can_send_a_user_to_vendos_page(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    cross_site = {"Referer": "https://evil.example/", "Sec-Fetch-Site": "cross-site"}
    leaving = browser.get(CONNECT, headers=cross_site)
    assert leaving.status_code == 302

    with urlopen(leaving.location) as page:
        assert page.status == 200
    assert "slack" not in vendo_mode.client().connections.connected_slugs()


def test_a_response_that_used_the_user_has_a_vary_for_it(
    browser: FlaskClient, proxy: dict[str, str]
) -> None:
    varied = browser.get("/who/", headers=proxy).headers["Vary"].split(", ")
    assert set(varied) == {"Cookie", *IDENTITY_HEADERS}


def test_the_repr_of_a_requests_headers_masks_the_jwt(vendo_mode: LocalVendo) -> None:
    app = make_app()
    shown: list[str] = []

    def view() -> str:
        shown.append(f"{request.headers!r} {request.environ!r}")
        return request.headers["X-Vendo-User-JWT"]

    app.add_url_rule("/headers/", view_func=view)
    response = app.test_client().get("/headers/", headers={"X-Vendo-User-JWT": "ada.a.jwt"})
    assert response.text == "ada.a.jwt"
    assert "X-Vendo-User-Jwt" in shown[0]
    assert "ada.a.jwt" not in shown[0]
