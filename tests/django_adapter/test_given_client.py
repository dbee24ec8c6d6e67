"""`VENDO["CLIENT"]` and `VENDO["ASYNC_CLIENT"]`: one client for the whole project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest
from asgiref.sync import async_to_sync
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.test import AsyncClient, Client, RequestFactory, override_settings

from vendo import AsyncVendo, Vendo
from vendo.testing import MockAsyncClient, MockClient, fake_connection
from vendo_django import aclient, client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing import LocalVendo

JWT = {"X-Vendo-User-JWT": "user.one.jwt"}
TOKENS = {"gmail": "sk-test-gmail", "openai": "sk-test-openai"}

mock: MockClient
amock: MockAsyncClient


def make() -> MockClient:
    return MockClient(TOKENS)


def fail() -> MockClient:
    raise RuntimeError("canary")


@pytest.fixture(autouse=True)
def mocks() -> Iterator[None]:
    global mock, amock
    mock, amock = MockClient(TOKENS), MockAsyncClient(TOKENS)
    with override_settings(VENDO={"CLIENT": mock, "ASYNC_CLIENT": amock, "ERRORS": True}):
        yield


@pytest.mark.parametrize("headers", [{}, JWT])
@pytest.mark.parametrize("path", ["/token/", "/atoken/", "/token-in-thread/"])
def test_views_of_both_kinds_use_it(path: str, headers: dict[str, str]) -> None:
    assert Client().get(path, headers=headers).content == b"sk-test-gmail"
    assert async_to_sync(AsyncClient().get)(path, headers=headers).content == b"sk-test-gmail"


def test_functions_of_the_process_use_it() -> None:
    assert client() is mock
    assert aclient() is amock
    assert client(RequestFactory().get("/")) is mock


def test_the_mock_records_what_a_user_asks_for() -> None:
    Client().get("/token/", headers=JWT)
    assert mock.calls == [("for_user",), ("token", "gmail")]


def test_template_tags_use_it() -> None:
    rows = [fake_connection("gmail"), fake_connection("slack", "available")]
    setting = {"CLIENT": MockClient(TOKENS, connections=rows), "TEMPLATE_TOKENS": ["openai"]}
    text = "{% load vendo %}{% vendo_connected 'gmail' as ok %}{{ ok }} {% vendo_token 'openai' %}"
    with override_settings(VENDO=setting):
        assert Template(text).render(Context()) == "True sk-test-openai"


def test_errors_and_the_connect_view_use_it() -> None:
    mocked = MockClient(connections=[])
    setting = {"CLIENT": mocked, "ERRORS": True, "MAY_CONNECT": lambda request, slug: True}
    with override_settings(VENDO=setting):
        link = Client().get("/token/").json()["error"]["connect_url"]
        leaving = Client().get(link)
        assert leaving.status_code == 302
        assert ("connect_url", "gmail") in mocked.calls


@pytest.mark.parametrize("path", ["/health/", "/ahealth/"])
def test_health_uses_it(path: str) -> None:
    assert Client().get(path).json() == {"ok": True}


def test_checks_use_it_and_validate_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "can ary")
    found = {message.id for message in checks.run_checks(tags=[checks.Tags.security])}
    assert "vendo.E003" not in found
    assert mock.calls == []

    setting = {"CLIENT": MockClient(vendo_mode=False), "REQUIRED": ["openai"]}
    with override_settings(VENDO=setting):
        found = {message.id for message in checks.run_checks(tags=[checks.Tags.security])}
    assert "vendo.E004" in found


@pytest.mark.parametrize("given", [make, "make", "mock", MockClient])
def test_it_may_be_a_function_or_a_path(given: Any) -> None:
    if isinstance(given, str):
        given = f"{__name__}.{given}"
    with override_settings(VENDO={"CLIENT": given}):
        made = client()
        assert isinstance(made, MockClient)
        assert client() is made
    with override_settings(VENDO={"CLIENT": given}):
        assert (client() is made) is (made is mock)  # a function is called for each setting


def test_a_client_of_a_local_server_keeps_users_apart(server: LocalVendo) -> None:
    with server.client() as own, override_settings(VENDO={"CLIENT": own}):
        tokens = [Client().get("/token/", headers=headers).content for headers in ({}, JWT)]
    assert tokens == [server.token("gmail", user=user).encode() for user in (None, "user.one.jwt")]


def test_a_mock_of_unittest_is_every_users_client() -> None:
    double = create_autospec(Vendo, instance=True)
    double.token.return_value = "sk-test-double"
    adouble = create_autospec(AsyncVendo, instance=True)
    adouble.token.return_value = "sk-test-double"
    with override_settings(VENDO={"CLIENT": double, "ASYNC_CLIENT": adouble}):
        for headers in ({}, JWT):
            for path in ("/token/", "/atoken/"):
                assert Client().get(path, headers=headers).content == b"sk-test-double"


@pytest.mark.parametrize(
    "setting",
    [
        {"CLIENT": 5},
        {"CLIENT": MockAsyncClient()},
        {"CLIENT": MockAsyncClient},
        {"CLIENT": "no.such.client"},
        {"CLIENT": f"{__name__}.TOKENS"},
        {"CLIENT": lambda: None},
        {"CLIENT": fail},
        {"CLIENT": "django_adapter.broken_urls.client"},
        {"ASYNC_CLIENT": MockClient()},
        {"ASYNC_CLIENT": f"{__name__}.make"},
    ],
)
def test_e002_something_else(setting: dict[str, Any]) -> None:
    with override_settings(VENDO=setting):
        messages = [
            message
            for message in checks.run_checks(tags=[checks.Tags.security])
            if message.id in {"vendo.E002", "vendo.E003"}
        ]
        with pytest.raises(ImproperlyConfigured, match="CLIENT"):
            (client if "CLIENT" in setting else aclient)()

    assert [message.id for message in messages] == ["vendo.E002"]
    assert next(iter(setting)) in messages[0].msg
    assert messages[0].hint
    assert "canary" not in messages[0].msg
