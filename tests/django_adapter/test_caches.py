"""A response that was made for a user is never served to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import Client, override_settings

from django_adapter.asgi import AsgiClient
from vendo.sso import IDENTITY_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

WITHOUT_SIGN_IN = [name for name in settings.MIDDLEWARE if not name.endswith("IdentityMiddleware")]
CACHED = [
    "django.middleware.cache.UpdateCacheMiddleware",
    *WITHOUT_SIGN_IN,
    "django.middleware.cache.FetchFromCacheMiddleware",
]


def as_user(proxy: dict[str, str], number: int) -> dict[str, str]:
    return {
        **proxy,
        "X-Vendo-User-Id": f"usr_{number}",
        "X-Vendo-User-Email": f"user{number}@example.com",
    }


@pytest.fixture(params=["wsgi", "asgi"])
def get(request: pytest.FixtureRequest) -> Callable[..., Any]:
    if request.param == "wsgi":
        return lambda path, headers=None: Client().get(path, headers=headers)
    return lambda path, headers=None: async_to_sync(AsgiClient().get)(path, headers=headers)


@pytest.mark.parametrize("path", ["/personal/", "/apersonal/"])
@override_settings(MIDDLEWARE=CACHED, VENDO={"ERRORS": True})
def test_a_cache_in_the_project_keeps_users_apart(
    path: str, get: Callable[..., Any], proxy: dict[str, str]
) -> None:
    for _ in range(2):
        for number in range(3):
            body = get(path, as_user(proxy, number)).content.decode()
            assert body == f"user{number}@example.com"
        assert get(path).content == b"nobody"


@override_settings(MIDDLEWARE=WITHOUT_SIGN_IN)
def test_cache_page_with_the_decorator_keeps_users_apart(
    get: Callable[..., Any], proxy: dict[str, str]
) -> None:
    for _ in range(2):
        for number in range(3):
            body = get("/cached/", as_user(proxy, number)).content.decode()
            assert body == f"user{number}@example.com"


@override_settings(MIDDLEWARE=CACHED)
def test_a_cache_keeps_the_clients_of_users_apart(
    get: Callable[..., Any], vendo_mode: LocalVendo
) -> None:
    for _ in range(2):
        for user in ("one.x.jwt", "two.x.jwt"):
            for path in ("/token/", "/atoken/"):
                body = get(path, {"X-Vendo-User-JWT": user}).content.decode()
                assert body == vendo_mode.token("gmail", user=user)


@override_settings(MIDDLEWARE=WITHOUT_SIGN_IN)
def test_only_what_used_the_user_varies_on_them(
    get: Callable[..., Any], proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Vary" not in get("/public/", proxy).headers
    assert set(IDENTITY_HEADERS) < set(get("/personal/", proxy)["Vary"].split(", "))
    assert set(IDENTITY_HEADERS) < set(get("/personal/")["Vary"].split(", "))
    monkeypatch.delenv("VENDO_AUTH")
    assert "Vary" not in get("/personal/", proxy).headers
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "t")
    assert "Vary" not in get("/token/", proxy).headers


def test_the_middleware_that_signs_in_uses_the_user(
    get: Callable[..., Any], proxy: dict[str, str], db: None
) -> None:
    assert set(IDENTITY_HEADERS) < set(get("/public/", proxy)["Vary"].split(", "))
    assert set(IDENTITY_HEADERS) < set(get("/public/")["Vary"].split(", "))


def test_a_test_can_replace_the_identity() -> None:
    from django.http import HttpRequest, HttpResponse

    from vendo_django.middleware import VendoMiddleware

    def view(request: HttpRequest) -> HttpResponse:
        assert isinstance(request, HttpRequest)
        assert type(request).__name__ == "HttpRequest"
        request.vendo_identity = "somebody"  # type: ignore[attr-defined]
        return HttpResponse(request.vendo_identity)  # type: ignore[attr-defined]

    response = VendoMiddleware(view)(HttpRequest())  # type: ignore[arg-type]
    assert response.content == b"somebody"  # type: ignore[attr-defined]
