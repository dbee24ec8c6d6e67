"""The responses to vendo's errors that reach Django, for browsers and API clients."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.core.signals import got_request_exception
from django.test import AsyncClient, Client, override_settings

from support.connect_flow import BROWSER, button_of, is_page
from vendo.errors import NotConnected, RateLimited, VendoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendo.testing import LocalVendo


@pytest.fixture
def errors() -> Iterator[None]:
    with override_settings(VENDO={"ERRORS": True}):
        yield


@pytest.mark.usefixtures("vendo_mode")
def test_without_the_setting_errors_are_not_handled() -> None:
    with pytest.raises(NotConnected):
        Client().get("/unconnected/")
    with override_settings(VENDO={"ERRORS": False}), pytest.raises(RateLimited):
        Client().get("/limited/")


@pytest.mark.usefixtures("errors")
def test_an_api_client_gets_424_with_the_connect_link(
    vendo_mode: LocalVendo,
) -> None:
    response = Client().get("/unconnected/?page=2")

    assert response.status_code == 424
    assert response.json()["error"] == {
        "code": "binding_missing",
        "message": "Not connected.",
        "slug": "slack",
        "connect_url": "/api/vendo/connect/slack/?next=%2Funconnected%2F%3Fpage%3D2",
    }
    assert response["Vary"] == "Accept"
    assert vendo_mode.api_key not in response.content.decode()


@pytest.fixture
def open_to_all() -> Iterator[None]:
    with override_settings(VENDO={"ERRORS": True, "MAY_CONNECT": lambda request, slug: True}):
        yield


@pytest.mark.usefixtures("open_to_all", "vendo_mode")
def test_a_browser_gets_a_page_with_a_button_and_comes_back() -> None:
    response = Client().get("/unconnected/?page=2", headers=BROWSER)
    body = response.content.decode()

    assert (response.status_code, response["Vary"]) == (424, "Accept")
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert is_page(body, "Slack is not connected", "Connect Slack")
    assert button_of(body) == "/api/vendo/connect/slack/?next=%2Funconnected%2F%3Fpage%3D2"


@pytest.mark.usefixtures("open_to_all", "vendo_mode")
def test_after_a_denial_the_page_says_so_and_the_button_is_the_users_choice() -> None:
    response = Client().get("/unconnected/?vendo_connect=denied&slug=slack", headers=BROWSER)
    body = response.content.decode()

    assert response.status_code == 424
    assert is_page(body, "You did not connect Slack")
    assert button_of(body) == "/api/vendo/connect/slack/?next=%2Funconnected%2F"


@pytest.mark.usefixtures("errors", "vendo_mode")
def test_a_user_who_may_not_connect_gets_no_button(proxy: dict[str, str], db: None) -> None:
    viewer = {**proxy, **BROWSER, "X-Vendo-Role": "viewer"}
    body = Client().get("/unconnected/", headers=viewer).content.decode()
    assert button_of(body) is None
    assert is_page(body, "Ask a user who may connect Slack.")

    body = Client().get("/unconnected/", headers=BROWSER).content.decode()
    assert button_of(body) is None
    assert is_page(body, "Sign in")


@pytest.mark.usefixtures("open_to_all", "vendo_mode")
@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/form/?a=b", "http://testserver/form/?a=b"),
        ("https://evil.example/", "/"),
        ("", "/"),
    ],
)
def test_after_a_form_the_user_comes_back_to_its_page(referer: str, back: str) -> None:
    response = Client().post("/unconnected/", headers={**BROWSER, "Referer": referer})
    link = button_of(response.content.decode())

    assert link
    assert parse_qs(urlsplit(link).query)["next"] == [back]


@pytest.mark.usefixtures("errors", "vendo_mode")
@pytest.mark.parametrize("accept", ["application/json", "application/json, text/plain, */*", "*/*"])
def test_after_a_script_the_user_comes_back_to_its_page(accept: str) -> None:
    """The address that it fetched is no page."""
    headers = {"Accept": accept, "Referer": "http://testserver/inbox/?page=2"}
    response = Client().get("/unconnected/", headers=headers)

    link = response.json()["error"]["connect_url"]
    assert parse_qs(urlsplit(link).query)["next"] == ["http://testserver/inbox/?page=2"]


def test_in_oss_mode_the_page_names_the_variable_in_debug_mode_alone() -> None:
    for debug in (False, True):
        with override_settings(VENDO={"ERRORS": True}, DEBUG=debug):
            response = Client().get("/token/", headers=BROWSER)
        body = response.content.decode()
        assert response.status_code == 424
        assert is_page(body, "Gmail is not connected")
        assert button_of(body) is None
        assert ("GMAIL_ACCESS_TOKEN" in body) is debug


@pytest.mark.usefixtures("errors")
def test_in_oss_mode_there_is_no_connect_link() -> None:
    response = Client().get("/unconnected/")

    assert response.status_code == 424
    assert response.json()["error"]["connect_url"] is None


@pytest.mark.usefixtures("vendo_mode")
def test_without_the_views_there_is_no_link() -> None:
    with override_settings(VENDO={"ERRORS": True}, ROOT_URLCONF="django_adapter.bare_urls"):
        response = Client().get("/unconnected/")

    assert response.status_code == 424
    assert response.json()["error"]["connect_url"] is None


@pytest.mark.usefixtures("open_to_all", "vendo_mode")
def test_the_project_can_replace_the_page(tmp_path: Path) -> None:
    template = tmp_path / "vendo_django" / "error.html"
    template.parent.mkdir()
    template.write_text("{{ status }} {{ title }} {{ connect_url }} {{ request.path }}")
    engine = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [tmp_path],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
    with override_settings(TEMPLATES=[engine]):
        body = Client().get("/unconnected/", headers=BROWSER).content.decode()
        assert body == (
            "424 Slack is not connected /api/vendo/connect/slack/?next=%2Funconnected%2F"
            " /unconnected/"
        )
    with override_settings(TEMPLATES=[]):
        assert is_page(Client().get("/unconnected/", headers=BROWSER).content.decode())


@pytest.mark.usefixtures("open_to_all", "vendo_mode")
@pytest.mark.parametrize("path", ["/token/", "/api/vendo/connect/gmail/"])
def test_in_debug_mode_djangos_page_shows_an_internal_error(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "cana ry")
    with override_settings(DEBUG=True):
        response = Client(raise_request_exception=False).get(path, headers=BROWSER)
    body = response.content.decode()

    assert response.status_code == 500
    assert "Traceback" in body
    assert "cana" not in body


@pytest.mark.usefixtures("errors")
def test_a_rate_limit_has_retry_after() -> None:
    response = Client().get("/limited/", headers=BROWSER)

    assert (response.status_code, response["Retry-After"]) == (429, "3")


@pytest.mark.usefixtures("errors", "vendo_mode")
def test_under_asgi_errors_of_async_views_get_responses() -> None:
    for path, status in (("/afailing/", 502), ("/unconnected/", 424)):
        assert async_to_sync(AsyncClient().get)(path).status_code == status


@pytest.mark.usefixtures("errors")
def test_an_error_of_the_key_shows_no_details(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()
    response = Client(raise_request_exception=False).get("/token/")

    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert "key" not in response.content.decode()


@pytest.mark.usefixtures("open_to_all")
@pytest.mark.parametrize("path", ["/token/", "/atoken/", "/api/vendo/connect/slack/"])
@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_a_500_is_logged_and_signalled(
    protocol: str, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "cana ry")
    reported: list[BaseException | None] = []

    def report(**_: Any) -> None:
        reported.append(sys.exc_info()[1])

    got_request_exception.connect(report)
    try:
        if protocol == "wsgi":
            response: Any = Client(raise_request_exception=False).get(path)
        else:
            response = async_to_sync(AsyncClient(raise_request_exception=False).get)(path)
    finally:
        got_request_exception.disconnect(report)

    assert response.status_code == 500
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.name == "django.request"
    assert record.getMessage() == f"Internal Server Error: {path}"
    assert record.exc_info
    assert reported == [record.exc_info[1]]
    assert isinstance(reported[0], VendoError)
    assert "cana" not in caplog.text


@pytest.mark.usefixtures("errors")
def test_other_statuses_are_not_reported_as_errors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Client().get("/limited/")  # raises an error with a response of its own

    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.usefixtures("errors")
def test_other_errors_are_not_handled() -> None:
    with pytest.raises(ZeroDivisionError):
        Client().get("/broken/")
