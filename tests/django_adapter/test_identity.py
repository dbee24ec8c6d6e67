"""The signed-in user comes only from the platform's proxy."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client, RequestFactory, override_settings

from django_adapter.asgi import AsgiClient
from vendo import VendoIdentity
from vendo_django.backends import VendoIdentityBackend
from vendo_django.identity import identity_of
from vendo_django.middleware import VendoIdentityMiddleware

pytestmark = pytest.mark.usefixtures("db")

Get = Callable[[dict[str, str] | None], dict[str, Any]]
Forge = Callable[..., Any]


@pytest.fixture(params=["wsgi", "asgi"])
def get(request: pytest.FixtureRequest) -> Get:
    """Requests the identity from the project, as one browser, over one protocol."""
    if request.param == "wsgi":
        browser = Client()
        return lambda headers: browser.get("/identity/", headers=headers).json()
    async_browser = AsgiClient()
    ask = async_to_sync(async_browser.get)
    return lambda headers: ask("/aidentity/", headers=headers).json()


@pytest.fixture
def forge(proxy: dict[str, str]) -> Forge:
    """Sends the proxy's headers with underscores over ASGI, together with other headers."""
    forged = [(name.replace("-", "_").encode(), value.encode()) for name, value in proxy.items()]

    def ask(path: str, *headers: tuple[bytes, bytes]) -> Any:
        scope = {"path": path, "query_string": b"", "headers": [*forged, *headers]}
        return async_to_sync(AsyncClient().request)(**scope)

    return ask


class KnownPeopleBackend(VendoIdentityBackend):
    create_unknown_user = False


class RolesBackend(VendoIdentityBackend):
    def configure_user(self, request: Any, user: Any, identity: VendoIdentity, **_: Any) -> Any:
        user = super().configure_user(request, user, identity, **_)
        user.groups.set([Group.objects.get_or_create(name=identity.role)[0]])
        return user


def test_identity_headers_without_the_proxy_are_ignored(
    get: Get, proxy: dict[str, str], monkeypatch: Any
) -> None:
    monkeypatch.delenv("VENDO_AUTH")

    assert get(proxy) == {"identity": None, "user": ""}
    assert not User.objects.exists()


def test_headers_with_underscores_are_ignored(forge: Forge) -> None:
    assert forge("/aidentity/").json() == {"identity": None, "user": ""}
    assert forge("/api/vendo/identity").status_code == 401
    assert forge("/api/vendo/connect/slack/").status_code == 401
    assert not User.objects.exists()


def test_headers_with_underscores_do_not_replace_the_proxys(
    forge: Forge, proxy: dict[str, str]
) -> None:
    named = {**proxy, "X-Vendo-User-Id": "other"}
    headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]

    assert forge("/aidentity/", *headers).json() == {"identity": "other", "user": "other"}


def test_the_user_of_the_proxy_is_signed_in(get: Get, proxy: dict[str, str]) -> None:
    assert get(proxy) == {"identity": "5f0c1a9e", "user": "5f0c1a9e"}
    assert get(proxy) == {"identity": "5f0c1a9e", "user": "5f0c1a9e"}

    user = User.objects.get()
    assert (user.email, user.first_name, user.last_name) == ("ada@example.com", "Ada", "Example")
    assert not user.has_usable_password()
    assert not user.is_staff


def test_a_signed_in_user_is_not_signed_in_again(get: Get, proxy: dict[str, str]) -> None:
    get(proxy)
    first = User.objects.get().last_login
    get(proxy)

    assert User.objects.get().last_login == first


def test_a_user_is_signed_out_without_the_proxys_headers(get: Get, proxy: dict[str, str]) -> None:
    get(proxy)

    assert get(None) == {"identity": None, "user": ""}


def test_a_user_is_signed_out_without_the_proxy(
    get: Get, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    get(proxy)
    monkeypatch.setenv("VENDO_AUTH", "0")

    assert get(proxy) == {"identity": None, "user": ""}


def test_another_user_in_the_same_browser_replaces_the_first(
    get: Get, proxy: dict[str, str]
) -> None:
    get(proxy)

    assert get({**proxy, "X-Vendo-User-Id": "other"})["user"] == "other"
    assert User.objects.count() == 2


def test_a_new_name_or_address_updates_the_user(get: Get, proxy: dict[str, str]) -> None:
    get(proxy)
    changed = {
        **proxy,
        "X-Vendo-User-Email": "new@example.com",
        "X-Vendo-User-Name": "Ada " + "Long" * 60,
    }

    assert get(changed)["user"] == "5f0c1a9e"
    user = User.objects.get()
    assert user.email == "new@example.com"
    assert len(user.last_name) == 150


def test_an_inactive_user_is_not_signed_in(get: Get, proxy: dict[str, str]) -> None:
    get(proxy)
    User.objects.update(is_active=False)

    assert get({**proxy, "X-Vendo-User-Name": "New"}) == {"identity": "5f0c1a9e", "user": ""}


@pytest.mark.parametrize(
    "how",
    [
        {"password": "local"},
        {"password": None},
        {"password": "local", "is_staff": True},
        {"password": None, "is_superuser": True, "is_staff": True},
    ],
)
def test_an_account_that_the_backend_did_not_create_is_never_adopted(
    get: Get, proxy: dict[str, str], how: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    user = User.objects.create_user("admin", **how)
    before = User.objects.filter(pk=user.pk).values().get()
    with caplog.at_level("WARNING", "vendo"):
        assert get({**proxy, "X-Vendo-User-Id": "admin"}) == {"identity": "admin", "user": ""}

    assert User.objects.filter(pk=user.pk).values().get() == before
    assert "did not create the account" in caplog.text
    assert "admin" not in caplog.text


def test_an_account_whose_password_was_set_is_not_the_platforms_any_more(
    get: Get, proxy: dict[str, str]
) -> None:
    get(proxy)
    user = User.objects.get()
    user.set_password("mine")
    user.save()

    assert get({**proxy, "X-Vendo-User-Name": "New"})["user"] == ""


def test_an_address_that_another_user_of_the_platform_gets_opens_no_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class ByEmail(VendoIdentityBackend):
        def username_of(self, identity: VendoIdentity) -> str:
            return identity.email

    first = VendoIdentity("usr_1", "ada@example.com", "", "tenant-1", "member")
    second = VendoIdentity("usr_2", "ada@example.com", "", "tenant-1", "member")
    assert ByEmail().authenticate(None, first)
    assert ByEmail().authenticate(None, first)
    assert ByEmail().authenticate(None, second) is None


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("field", ["username", "email"])
def test_a_user_with_a_new_address_keeps_the_account(
    field: str, create: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ByEmail(VendoIdentityBackend):
        create_unknown_user = create

        def username_of(self, identity: VendoIdentity) -> str:
            return identity.email

    def sign_in(user_id: str, email: str) -> Any:
        return ByEmail().authenticate(None, VendoIdentity(user_id, email, "", "tenant-1", "member"))

    monkeypatch.setattr(User, "USERNAME_FIELD", field)
    if not create:
        User.objects.create_user("sam@old.example", email="sam@old.example")
    first = sign_in("usr_1", "sam@old.example")
    for email in ("sam@new.example", "Sam@new.example"):
        again = sign_in("usr_1", email)
        assert (again.pk, again.email, getattr(again, field)) == (first.pk, email, email)
    assert User.objects.count() == 1

    if field == "username":  # the stock model needs one
        other = sign_in("usr_2", "sam@old.example")  # which is free again
        assert (other is not None) is create


def test_a_deactivated_user_is_signed_out_at_the_next_change(
    get: Get, proxy: dict[str, str]
) -> None:
    get(proxy)
    User.objects.update(is_active=False)

    assert get({**proxy, "X-Vendo-Role": "viewer"})["user"] == ""


def test_a_password_session_is_kept_without_an_identity(proxy: dict[str, str]) -> None:
    user = User.objects.create_user("local", password="local-password")
    browser = Client()
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")

    assert browser.get("/identity/").json()["user"] == "local"
    assert browser.get("/identity/", headers=proxy).json()["user"] == "5f0c1a9e"


def test_a_session_of_a_removed_backend_is_anonymous(proxy: dict[str, str]) -> None:
    browser = Client()
    browser.get("/identity/", headers=proxy)
    with override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"]):
        assert browser.get("/identity/", headers=proxy).json()["user"] == ""


@override_settings(AUTHENTICATION_BACKENDS=["django_adapter.test_identity.KnownPeopleBackend"])
def test_a_project_may_allow_only_known_users(get: Get, proxy: dict[str, str]) -> None:
    assert get(proxy)["user"] == ""
    User.objects.create_user("5f0c1a9e")
    assert get(proxy)["user"] == "5f0c1a9e"
    assert get({**proxy, "X-Vendo-User-Name": "New"})["user"] == "5f0c1a9e"


@override_settings(AUTHENTICATION_BACKENDS=["django_adapter.test_identity.KnownPeopleBackend"])
@pytest.mark.parametrize(
    "how",
    [{"password": "local"}, {"is_staff": True}, {"is_superuser": True}, {"is_active": False}],
)
def test_known_users_do_not_include_staff_and_accounts_with_a_password(
    get: Get, proxy: dict[str, str], how: dict[str, Any]
) -> None:
    User.objects.create_user("5f0c1a9e", **how)

    assert get(proxy)["user"] == ""


@override_settings(AUTHENTICATION_BACKENDS=["django_adapter.test_identity.RolesBackend"])
def test_a_project_may_use_the_roles(get: Get, proxy: dict[str, str]) -> None:
    get(proxy)
    get({**proxy, "X-Vendo-Role": "owner"})

    assert [group.name for group in User.objects.get().groups.all()] == ["owner"]


def test_a_user_model_may_use_the_email_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity = VendoIdentity("5f0c1a9e", "ada@example.com", "", "tenant-1", "member")
    assert VendoIdentityBackend().username_of(identity) == "5f0c1a9e"

    monkeypatch.setattr(get_user_model(), "USERNAME_FIELD", "email")
    assert VendoIdentityBackend().username_of(identity) == "ada@example.com"


def test_the_backend_needs_an_identity() -> None:
    assert VendoIdentityBackend().authenticate(None) is None


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("django.contrib.auth.middleware.AuthenticationMiddleware", "AuthenticationMiddleware"),
        ("vendo_django.middleware.VendoMiddleware", "VendoMiddleware"),
    ],
)
def test_a_wrong_order_of_middleware_is_an_error(missing: str, named: str) -> None:
    with (
        override_settings(MIDDLEWARE=[path for path in settings.MIDDLEWARE if path != missing]),
        pytest.raises(ImproperlyConfigured, match=f"before {named}"),
    ):
        Client().get("/identity/")


def test_the_middleware_without_its_requirements_is_an_error() -> None:
    middleware = VendoIdentityMiddleware(lambda request: None)

    with pytest.raises(ImproperlyConfigured):
        middleware(RequestFactory().get("/"))  # type: ignore[arg-type]


def test_pages_without_a_session_can_be_cached() -> None:
    with override_settings(VENDO={"ERRORS": True}):
        assert Client().get("/limited/")["Vary"] == "Accept"


@pytest.mark.parametrize("trust", [None, False, True])
def test_the_setting_says_whether_the_server_drops_such_names(
    trust: bool | None, proxy: dict[str, str]
) -> None:
    request = RequestFactory().get("/", headers=proxy)
    request.META.update({"wsgi.input": io.BytesIO(), "SERVER_SOFTWARE": "WSGIServer/0.2"})
    setting = {} if trust is None else {"TRUST_WSGI_HEADERS": trust}
    with override_settings(VENDO=setting):
        assert (identity_of(request) is not None) is bool(trust)
