"""The claims of the page on security that need a framework, in Django."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory, override_settings
from django.views.debug import ExceptionReporter
from django.views.decorators.cache import cache_page

import vendo
from django_adapter.project_urls import personal
from support.connect_flow import query_of
from vendo.sso import IDENTITY_HEADERS
from vendo_django import token, vary_on_identity
from vendo_django.backends import VendoIdentityBackend
from vendo_django.middleware import VendoMiddleware

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

CONNECT = "/api/vendo/connect/slack/"
DONE = "/api/vendo/connect/done/"
# The debug page shows source lines around an error, and variables.
CANARY = "".join(reversed("yranac"))


def anyone(request: HttpRequest, slug: str) -> bool:
    return True


def no_one(request: HttpRequest, slug: str) -> bool:
    return False


def test_without_the_platforms_proxy_all_users_of_an_application_share_its_connections(
    vendo_mode: LocalVendo, db: None
) -> None:
    tokens = set()
    for name in ("ada", "bob"):
        browser = Client()
        browser.force_login(
            User.objects.create_user(name), "django.contrib.auth.backends.ModelBackend"
        )
        tokens.add(browser.get("/token/").content.decode())
    assert tokens == {vendo_mode.token("gmail")}


def test_with_the_proxy_a_request_uses_the_connections_of_its_own_user(
    vendo_mode: LocalVendo,
) -> None:
    for jwt in ("ada.a.jwt", "bob.b.jwt", "ada.a.jwt"):
        token = Client().get("/token/", headers={"X-Vendo-User-JWT": jwt}).content.decode()
        assert token == vendo_mode.token("gmail", user=jwt)


@override_settings(VENDO={"MAY_CONNECT": anyone})
def test_all_who_can_open_the_connect_view_hold_the_api_key(vendo_mode: LocalVendo) -> None:
    key = query_of(Client().get(CONNECT)["Location"])["app_key"]

    assert key == vendo_mode.api_key
    assert vendo.Vendo(key).token("openai") == "sk-openai"


def test_the_connect_view_is_closed_until_the_application_defines_who_may_connect(
    vendo_mode: LocalVendo, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    def get(rule: Any = None, **headers: str) -> int:
        with override_settings(VENDO={"MAY_CONNECT": rule} if rule else {}):
            response = Client().get(CONNECT, headers=headers)
        has_key = vendo_mode.api_key in f"{response.headers} {response.content.decode()}"
        assert has_key == (response.status_code == 302)
        return response.status_code

    assert get() == 401
    roles = {"owner": 302, "member": 302, "viewer": 403}
    assert {role: get(**{**proxy, "X-Vendo-Role": role}) for role in roles} == roles
    monkeypatch.delenv("VENDO_AUTH")
    assert get() == get(**proxy) == get(no_one) == 403
    assert get(anyone) == 302


def test_no_cache_keeps_a_response_of_the_connect_view(vendo_mode: LocalVendo) -> None:
    browser = Client()
    with override_settings(VENDO={"MAY_CONNECT": anyone}):
        leaving = browser.get(CONNECT)
        back = browser.get(DONE, {"state": query_of(leaving["Location"])["state"]})
    closed = browser.get(CONNECT)

    assert [leaving.status_code, back.status_code, closed.status_code] == [302, 302, 403]
    for response in (leaving, back, closed, browser.get(DONE)):
        assert "no-store" in response["Cache-Control"]


def test_in_django_a_token_in_the_settings_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with override_settings(HARMLESS={"list": [token("openai")]}, DEBUG=True):
        try:
            _ = 1 // 0
        except ZeroDivisionError as error:
            request = RequestFactory().get("/")
            reporter = ExceptionReporter(request, type(error), error, error.__traceback__)
            page = reporter.get_traceback_html() + reporter.get_traceback_text()
        out = io.StringIO()
        call_command("diffsettings", stdout=out)
        shown = [page, out.getvalue(), repr({"key": token("openai")})]
    assert "HARMLESS" in page
    assert not [text for text in shown if CANARY in text]


def test_a_response_that_used_the_user_has_a_vary_for_it(proxy: dict[str, str], db: None) -> None:
    varied = Client().get("/personal/", headers=proxy)["Vary"].split(", ")
    assert {"Cookie", *IDENTITY_HEADERS} <= set(varied)


def test_in_django_cache_page_needs_vary_on_identity(proxy: dict[str, str]) -> None:
    def get(view: Any, path: str, user: str) -> str:
        headers = {**proxy, "X-Vendo-User-Email": user}
        response: Any = VendoMiddleware(view)(RequestFactory().get(path, headers=headers))  # type: ignore[arg-type]
        return str(response.content.decode())

    users = ["ada@example.com", "bob@example.com"]
    bare, varied = cache_page(60)(personal), cache_page(60)(vary_on_identity(personal))
    assert [get(bare, "/bare/", user) for user in users] == [users[0]] * 2
    assert [get(varied, "/varied/", user) for user in users] == users


def test_vendoidentitybackend_opens_no_account_that_it_did_not_create(db: None) -> None:
    User.objects.create_superuser("admin")
    User.objects.create_user("usr_1")
    for name in ("admin", "usr_1"):
        identity = vendo.VendoIdentity(name, "ada@example.com", "Ada", "ten_1", "owner")
        assert VendoIdentityBackend().authenticate(None, vendo_identity=identity) is None
    identity = vendo.VendoIdentity("usr_2", "ada@example.com", "Ada", "ten_1", "owner")
    user = VendoIdentityBackend().authenticate(None, vendo_identity=identity)
    assert user is not None
    assert not user.is_superuser  # type: ignore[attr-defined]

    class KnownUsers(VendoIdentityBackend):
        create_unknown_user = False

    User.objects.create_user("usr_3")
    User.objects.create_user("usr_4", password="a password of their own")
    User.objects.create_user("usr_5", is_staff=True)
    known = KnownUsers()
    opened = {
        name: known.authenticate(
            None, vendo_identity=vendo.VendoIdentity(name, "a@example.com", "", "ten_1", "owner")
        )
        is not None
        for name in ("usr_3", "usr_4", "usr_5", "usr_6")
    }
    assert opened == {"usr_3": True, "usr_4": False, "usr_5": False, "usr_6": False}


def test_the_repr_of_a_requests_headers_masks_the_jwt() -> None:
    shown: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        scope = getattr(request, "scope", None)
        shown.append(f"{request.headers!r} {request.META!r} {scope!r}")
        return HttpResponse(request.headers["X-Vendo-User-JWT"])

    wsgi = RequestFactory().get("/", headers={"X-Vendo-User-JWT": "ada.a.jwt"})
    headers = [(b"x-vendo-user-jwt", b"ada.a.jwt")]
    asgi = AsyncRequestFactory().request(path="/", query_string=b"", headers=headers)
    for request in (wsgi, asgi):
        response: Any = VendoMiddleware(view)(request)  # type: ignore[arg-type]
        assert response.content == b"ada.a.jwt"
    assert all("X-Vendo-User-Jwt" in text for text in shown)
    assert "ada.a.jwt" not in "".join(shown)
