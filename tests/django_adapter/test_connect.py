"""Connecting a provider: who may, the way there and back, and what does not lead there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import include, path, resolve, reverse

from support.connect_flow import (
    BROWSER,
    FOREIGN_ADDRESSES,
    button_of,
    cookie_of,
    is_page,
    query_of,
)
from vendo_django import client, views
from vendo_django.connect import connect_link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/gmail/"
DONE = "/api/vendo/connect/done/"


def anyone(request: HttpRequest, slug: str) -> bool:
    return True


@pytest.fixture
def everybody() -> Iterator[None]:
    """Let everybody connect."""
    with override_settings(VENDO={"MAY_CONNECT": anyone, "ERRORS": True}):
        yield


@pytest.mark.usefixtures("everybody")
class TestTheWay:
    def test_there_and_back(self, vendo_mode: LocalVendo) -> None:
        browser = Client()
        leaving = browser.get(CONNECT, {"next": "/inbox?page=2"})
        query = query_of(leaving["Location"])

        assert leaving.status_code == 302
        assert leaving["Location"].startswith(f"{vendo_mode.url}/connections/connect/gmail?")
        assert query["app_key"] == vendo_mode.api_key
        assert query["return_to"] == "http://testserver" + DONE
        assert "no-store" in leaving["Cache-Control"]
        (cookie,) = leaving.cookies.values()
        name, attributes = cookie_of(cookie.OutputString())
        assert not name.startswith("__Host-")
        assert {"httponly", "samesite=lax", "max-age=3600", "path=/"} <= attributes
        assert "secure" not in attributes

        back = browser.get(DONE, {"state": query["state"], "slug": "gmail", "status": "connected"})
        assert (back.status_code, back["Location"]) == (302, "/inbox?page=2")
        assert "no-store" in back["Cache-Control"]

    def test_over_https_the_cookie_is_of_this_host(self, vendo_mode: LocalVendo) -> None:
        leaving = Client().get(CONNECT, secure=True)
        (cookie,) = leaving.cookies.values()

        name, attributes = cookie_of(cookie.OutputString())
        assert name.startswith("__Host-")
        assert {"secure", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
        assert query_of(leaving["Location"])["return_to"] == "https://testserver" + DONE

    def test_two_tabs(self, vendo_mode: LocalVendo) -> None:
        browser = Client()
        states = {
            slug: query_of(
                browser.get(f"/api/vendo/connect/{slug}/", {"next": f"/{slug}"})["Location"]
            )["state"]
            for slug in ("gmail", "slack")
        }

        for slug, state in states.items():
            assert browser.get(DONE, {"state": state})["Location"] == f"/{slug}"

    def test_a_state_works_once_and_in_one_browser(self, vendo_mode: LocalVendo) -> None:
        browser = Client()
        leaving = browser.get(CONNECT)
        state = query_of(leaving["Location"])["state"]
        other = Client()
        (name,) = leaving.cookies
        other.cookies[name] = "x" * 32

        for stranger in (Client(), other):
            assert stranger.get(DONE, {"state": state}).status_code == 400
        assert browser.head(DONE, {"state": state}).status_code == 302  # it changes nothing
        assert browser.get(DONE, {"state": state}).status_code == 302
        assert browser.get(DONE, {"state": state}).status_code == 400
        assert browser.get(DONE).status_code == 400

    def test_a_denial_is_told_on_the_page(self, vendo_mode: LocalVendo) -> None:
        browser = Client()
        state = query_of(browser.get(CONNECT, {"next": "/unconnected/?a=b"})["Location"])["state"]
        back = browser.get(DONE, {"state": state, "status": "refused"})

        assert back["Location"] == "/unconnected/?a=b&vendo_connect=denied&slug=gmail"

    @pytest.mark.parametrize("address", FOREIGN_ADDRESSES)
    def test_no_next_leads_away(self, vendo_mode: LocalVendo, address: str) -> None:
        response = Client().get(CONNECT, {"next": address})
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "validation_failed"
        assert "evil" not in response.content.decode()
        page = Client().get(CONNECT, {"next": address}, headers=BROWSER)
        assert page.status_code == 400
        assert is_page(page.content.decode(), "This link does not work")

    def test_afterwards_the_new_token_is_used(self, vendo_mode: LocalVendo) -> None:
        jwt = {"X-Vendo-User-JWT": "user.one.jwt"}
        browser = Client()
        browser.get("/token/", headers=jwt)
        client().token("gmail")
        state = query_of(browser.get(CONNECT)["Location"])["state"]
        vendo_mode.rotate("gmail")

        browser.get(DONE, {"state": state}, headers=jwt)

        fresh = vendo_mode.token("gmail", user="user.one.jwt")
        assert browser.get("/token/", headers=jwt).content.decode() == fresh
        assert client().token("gmail") == vendo_mode.token("gmail")

    def test_in_oss_mode_it_is_501(self) -> None:
        for address in (CONNECT, DONE):
            response = Client().get(address)
            assert response.status_code == 501
            assert response.json()["error"]["code"] == "vendo_only_feature"

    def test_a_malformed_slug_is_400(self, vendo_mode: LocalVendo) -> None:
        assert Client().get("/api/vendo/connect/no%20slug/").status_code == 400

    @pytest.mark.parametrize("host", ["testserver", "localhost", "127.0.0.1:8000"])
    def test_it_ends_on_the_host_where_it_began(self, vendo_mode: LocalVendo, host: str) -> None:
        leaving = Client().get(CONNECT, {"next": f"http://{host}/x"}, headers={"Host": host})

        assert query_of(leaving["Location"])["return_to"] == f"http://{host}{DONE}"

    @override_settings(FORCE_SCRIPT_NAME="/shop", USE_X_FORWARDED_HOST=True)
    def test_the_prefix_and_the_host_of_a_proxy_are_kept(self, vendo_mode: LocalVendo) -> None:
        leaving = Client().get(CONNECT, headers={"X-Forwarded-Host": "localhost"})
        assert query_of(leaving["Location"])["return_to"] == "http://localhost/shop" + DONE


@pytest.mark.usefixtures("vendo_mode")
class TestWhoMayConnect:
    def test_nobody_where_nothing_says_who(self, vendo_mode: LocalVendo) -> None:
        for address in (CONNECT, "/api/vendo/connect/GMAIL/"):
            response = Client().get(address)
            assert response.status_code == 403
            assert not response.cookies
            assert vendo_mode.api_key not in str(response.headers) + response.content.decode()
        page = Client().get(CONNECT, headers=BROWSER)
        assert page.status_code == 403
        assert is_page(page.content.decode(), "You may not")

    def test_behind_the_proxy_users_who_are_not_viewers(
        self, vendo_mode: LocalVendo, proxy: dict[str, str], db: None
    ) -> None:
        nobody = Client().get(CONNECT)
        assert nobody.status_code == 401
        assert vendo_mode.api_key not in str(nobody.headers) + nobody.content.decode()
        page = Client().get(CONNECT, headers=BROWSER)
        assert page.status_code == 401
        assert is_page(page.content.decode(), "Sign in")
        for role, status in {"owner": 302, "member": 302, "viewer": 403}.items():
            response = Client().get(CONNECT, headers={**proxy, "X-Vendo-Role": role})
            assert response.status_code == status
        for role in ("admin", "owner,member"):
            response = Client().get(CONNECT, headers={**proxy, "X-Vendo-Role": role})
            assert response.status_code == 401

    def test_a_function_alone_decides(self, proxy: dict[str, str], db: None) -> None:
        asked: list[tuple[str, str]] = []

        def rule(request: HttpRequest, slug: str) -> bool:
            asked.append((request.path, slug))
            return slug == "gmail"

        async def arule(request: HttpRequest, slug: str) -> bool:
            return rule(request, slug)

        for function in (rule, arule, partial(arule)):
            with override_settings(VENDO={"MAY_CONNECT": function}):
                assert Client().get("/api/vendo/connect/GMail/").status_code == 302
                assert Client().get("/api/vendo/connect/slack/").status_code == 401
                owner = {**proxy, "X-Vendo-Role": "owner"}
                assert Client().get("/api/vendo/connect/slack/", headers=owner).status_code == 403
                viewer = {**proxy, "X-Vendo-Role": "viewer"}
                assert Client().get(CONNECT, headers=viewer).status_code == 302
                assert async_to_sync(AsyncClient().get)(CONNECT).status_code == 302
        assert ("/api/vendo/connect/GMail/", "gmail") in asked

    def test_a_function_may_be_named_and_may_raise(self) -> None:
        with override_settings(VENDO={"MAY_CONNECT": "django_adapter.test_connect.anyone"}):
            assert Client().get(CONNECT).status_code == 302

        def rule(request: HttpRequest, slug: str) -> bool:
            raise PermissionDenied

        with override_settings(VENDO={"MAY_CONNECT": rule}):
            assert Client().get(CONNECT).status_code == 403
        with (
            override_settings(VENDO={"MAY_CONNECT": "no.such.rule"}),
            pytest.raises(ImproperlyConfigured),
        ):
            Client().get(CONNECT)

    def test_a_rule_behind_a_decorator_that_asks_for_a_log_in(self, db: None) -> None:
        rule = login_required(anyone)  # type: ignore[type-var]  # a mistake that is easily made
        with override_settings(VENDO={"MAY_CONNECT": rule, "ERRORS": True}):
            assert Client().get(CONNECT).status_code == 403
            page = Client().get("/unconnected/", headers=BROWSER)
            assert page.status_code == 424
            assert button_of(page.content.decode()) is None

    @pytest.mark.parametrize("error", [PermissionDenied, RuntimeError])
    def test_what_a_rule_raises_leaves_the_page_without_its_button(
        self, error: type[Exception], caplog: pytest.LogCaptureFixture
    ) -> None:
        def rule(request: HttpRequest, slug: str) -> bool:
            raise error

        with override_settings(VENDO={"MAY_CONNECT": rule, "ERRORS": True}):
            page = Client().get("/unconnected/", headers=BROWSER)
        assert page.status_code == 424
        assert is_page(page.content.decode(), "Ask a user who may connect Slack.")
        records = [found for found in caplog.records if "may_connect raised" in found.getMessage()]
        assert len(records) == (error is RuntimeError)
        assert all(found.levelname == "ERROR" and found.exc_info for found in records)

    @pytest.mark.parametrize("result", [None, 0, "", False, 1, "yes", [True]])
    def test_anything_but_true_is_no(self, result: Any) -> None:
        with override_settings(VENDO={"MAY_CONNECT": lambda request, slug: result}):
            assert Client().get(CONNECT).status_code == 403

    def test_a_permission(self, db: None) -> None:
        from django.contrib.auth.models import Permission, User

        with override_settings(VENDO={"CONNECT_PERMISSION": "auth.add_user"}):
            browser = Client()
            assert browser.get(CONNECT).status_code == 403
            user = User.objects.create_user("ada", password="x")
            browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
            assert browser.get(CONNECT).status_code == 403
            user.user_permissions.add(Permission.objects.get(codename="add_user"))
            assert browser.get(CONNECT).status_code == 302
            with override_settings(MIDDLEWARE=[]), pytest.raises(ImproperlyConfigured):
                Client().get(CONNECT)


nested = [path("v/", include("vendo_django.urls"))]
urlpatterns = [
    path("<slug:tenant>/page/", views.identity, name="page"),
    path("<slug:tenant>/", include((nested, "site"), namespace="inner")),
]


@pytest.mark.usefixtures("everybody", "vendo_mode")
@override_settings(ROOT_URLCONF="django_adapter.test_connect")
def test_below_a_captured_prefix_and_in_a_namespace() -> None:
    request = RequestFactory().get("/acme/page/", headers=BROWSER)
    assert connect_link("gmail", request) is None
    request.resolver_match = resolve("/acme/page/")
    link = connect_link("gmail", request)
    assert link == "/acme/v/connect/gmail/?next=%2Facme%2Fpage%2F"

    browser = Client()
    query = query_of(browser.get(link)["Location"])
    assert query["return_to"] == "http://testserver/acme/v/connect/done/"
    back = browser.get(query["return_to"], {"state": query["state"]})
    assert back["Location"] == "/acme/page/"
    assert browser.get("/acme/v/identity").status_code == 401
    assert browser.post("/acme/v/webhook/").status_code == 400


def test_the_names_of_the_views() -> None:
    assert reverse("vendo:connect", args=["gmail"]) == CONNECT
    assert reverse("vendo:connected") == DONE
