"""The responses to vendo's errors that reach Flask, for browsers and API clients."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import got_request_exception
from jinja2 import DictLoader, TemplateNotFound

from flask_adapter.site import make_app
from support.connect_flow import BROWSER, button_of, is_page
from vendo.errors import AuthError, IdentityNotPresent, NotConnected, RateLimited, VendoError

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from vendo.testing import LocalVendo


@pytest.fixture
def app() -> Flask:
    app = make_app(errors=True)
    app.testing = True  # raise unhandled errors
    return app


@pytest.mark.usefixtures("vendo_mode")
def test_without_the_option_errors_are_not_handled() -> None:
    app = make_app()
    app.testing = True
    with pytest.raises(NotConnected):
        app.test_client().get("/unconnected/")
    with pytest.raises(RateLimited):
        app.test_client().get("/limited/")
    with pytest.raises(IdentityNotPresent):
        app.test_client().get("/personal/")


def test_an_api_client_gets_424_with_the_connect_link(
    vendo_mode: LocalVendo, browser: FlaskClient
) -> None:
    for path in ("/unconnected/", "/aunconnected/"):
        response = browser.get(f"{path}?page=2")

        assert response.status_code == 424
        assert response.json
        assert response.json["error"] == {
            "code": "binding_missing",
            "message": "Not connected.",
            "slug": "slack",
            "connect_url": f"/api/vendo/connect/slack/?next={path.replace('/', '%2F')}%3Fpage%3D2",
        }
        assert response.headers["Vary"] == "Accept"
        assert vendo_mode.api_key not in response.text


@pytest.mark.usefixtures("vendo_mode")
def test_a_browser_gets_a_page_with_a_button_and_comes_back(browser: FlaskClient) -> None:
    for path in ("/unconnected/", "/aunconnected/"):
        response = browser.get(f"{path}?page=2", headers=BROWSER)

        assert (response.status_code, response.headers["Vary"]) == (424, "Accept")
        assert response.mimetype == "text/html"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert is_page(response.text, "Slack is not connected", "Connect Slack")
        link = f"/api/vendo/connect/slack/?next={path.replace('/', '%2F')}%3Fpage%3D2"
        assert button_of(response.text) == link


@pytest.mark.usefixtures("vendo_mode")
def test_after_a_denial_the_page_says_so_and_the_button_is_the_users_choice(
    browser: FlaskClient,
) -> None:
    response = browser.get("/unconnected/?vendo_connect=denied&slug=slack", headers=BROWSER)

    assert response.status_code == 424
    assert is_page(response.text, "You did not connect Slack")
    assert button_of(response.text) == "/api/vendo/connect/slack/?next=%2Funconnected%2F"


@pytest.mark.usefixtures("vendo_mode")
def test_a_user_who_may_not_connect_gets_no_button(proxy: dict[str, str]) -> None:
    browser = make_app(errors=True, may_connect=None).test_client()
    viewer = {**proxy, **BROWSER, "X-Vendo-Role": "viewer"}
    page = browser.get("/unconnected/", headers=viewer).text
    assert button_of(page) is None
    assert is_page(page, "Ask a user who may connect Slack.")

    page = browser.get("/unconnected/", headers=BROWSER).text
    assert button_of(page) is None
    assert is_page(page, "Sign in")


@pytest.mark.usefixtures("vendo_mode")
@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://localhost/form/?a=b", "http://localhost/form/?a=b"),
        ("https://evil.example/", "/"),
        ("", "/"),
    ],
)
def test_after_a_form_the_user_comes_back_to_its_page(
    referer: str, back: str, browser: FlaskClient
) -> None:
    page = browser.post("/unconnected/", headers={**BROWSER, "Referer": referer}).text
    link = button_of(page)

    assert link
    assert parse_qs(urlsplit(link).query)["next"] == [back]


@pytest.mark.usefixtures("vendo_mode")
@pytest.mark.parametrize("accept", ["application/json", "application/json, text/plain, */*", "*/*"])
@pytest.mark.parametrize("path", ["/unconnected/", "/aunconnected/"])
def test_after_a_script_the_user_comes_back_to_its_page(
    accept: str, path: str, browser: FlaskClient
) -> None:
    headers = {"Accept": accept, "Referer": "http://localhost/inbox/?page=2"}
    response = browser.get(path, headers=headers)

    assert response.json
    link = response.json["error"]["connect_url"]
    assert parse_qs(urlsplit(link).query)["next"] == ["http://localhost/inbox/?page=2"]


def test_in_oss_mode_the_page_names_the_variable_in_debug_mode_alone(app: Flask) -> None:
    for debug in (False, True):
        app.debug = debug
        response = app.test_client().get("/token/", headers=BROWSER)
        assert response.status_code == 424
        assert is_page(response.text, "Gmail is not connected")
        assert button_of(response.text) is None
        assert ("GMAIL_ACCESS_TOKEN" in response.text) is debug


def test_in_oss_mode_there_is_no_connect_link(browser: FlaskClient) -> None:
    response = browser.get("/unconnected/")

    assert response.status_code == 424
    assert response.json
    assert response.json["error"]["connect_url"] is None


@pytest.mark.usefixtures("vendo_mode")
def test_without_the_views_there_is_no_link() -> None:
    response = make_app(errors=True, views=False).test_client().get("/unconnected/")

    assert response.status_code == 424
    assert response.json
    assert response.json["error"]["connect_url"] is None


@pytest.mark.usefixtures("vendo_mode")
def test_the_application_can_replace_the_page(app: Flask) -> None:
    source = "{{ status }} {{ title }} {{ connect_url }} {{ request.path }}"
    app.jinja_env.loader = DictLoader({"vendo/error.html": source})
    page = app.test_client().get("/unconnected/", headers=BROWSER).text
    assert page == (
        "424 Slack is not connected /api/vendo/connect/slack/?next=%2Funconnected%2F /unconnected/"
    )

    app.jinja_env.loader = DictLoader({"vendo/error.html": "{% extends 'missing.html' %}"})
    with pytest.raises(TemplateNotFound):
        app.test_client().get("/unconnected/", headers=BROWSER)


@pytest.mark.usefixtures("vendo_mode")
@pytest.mark.parametrize("path", ["/token/", "/api/vendo/connect/gmail/"])
def test_in_debug_mode_an_internal_error_reaches_the_debugger(
    path: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "cana ry")
    app.debug = True
    with pytest.raises(AuthError):
        app.test_client().get(path, headers=BROWSER)


def test_a_rate_limit_has_retry_after(browser: FlaskClient) -> None:
    response = browser.get("/limited/", headers=BROWSER)

    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")


def test_a_page_that_needs_a_user_is_401_without_one(
    browser: FlaskClient, proxy: dict[str, str]
) -> None:
    assert browser.get("/personal/").status_code == 401
    assert browser.get("/personal/", headers=proxy).text == "ada@example.com"


def test_a_failing_backend_is_a_bad_gateway(vendo_mode: LocalVendo, app: Flask) -> None:
    app.config["VENDO_TIMEOUT"] = 3
    vendo_mode.fail("credentials", status=503, times=None)

    assert app.test_client().get("/token/").status_code == 502


def test_an_error_of_the_key_shows_no_details(vendo_mode: LocalVendo, browser: FlaskClient) -> None:
    vendo_mode.revoke_key()
    response = browser.get("/token/")

    assert response.status_code == 500
    assert response.json
    assert response.json["error"]["code"] == "internal_error"
    assert "key" not in response.text


def test_a_malformed_option_shows_no_details(app: Flask) -> None:
    app.config["VENDO_API_KEY"] = "canary key"
    response = app.test_client().get("/token/")

    assert response.status_code == 500
    assert "canary" not in response.text
    assert "key" not in response.text


@pytest.mark.parametrize("path", ["/token/", "/api/vendo/connect/gmail/"])
def test_a_key_file_that_cannot_be_read_shows_no_details(
    path: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_API_KEY", raising=False)
    monkeypatch.setenv("VENDO_API_KEY_FILE", "/run/secrets/canary")
    response = app.test_client().get(path)

    assert response.status_code == 500
    assert "canary" not in response.text
    assert "FILE" not in response.text


@pytest.mark.parametrize("path", ["/token/", "/api/vendo/connect/gmail/"])
def test_a_500_is_logged_and_signalled(
    path: str, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["VENDO_API_KEY"] = "canary key"
    reported: list[tuple[Flask, BaseException]] = []

    def tracker(sender: Flask, exception: BaseException) -> None:
        reported.append((sender, exception))

    with got_request_exception.connected_to(tracker, app), caplog.at_level(logging.ERROR):
        assert app.test_client().get(path).status_code == 500

    ((sender, error),) = reported
    assert sender is app
    assert isinstance(error, AuthError)
    (record,) = caplog.records
    assert record.name == app.logger.name
    assert record.exc_info
    assert record.exc_info[1] is error
    assert path in record.getMessage()
    assert "canary" not in caplog.text


@pytest.mark.usefixtures("vendo_mode")
def test_other_statuses_are_not_reported_as_errors(
    browser: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    reported: list[object] = []

    def tracker(sender: object, **_: object) -> None:
        reported.append(sender)

    with got_request_exception.connected_to(tracker), caplog.at_level(logging.ERROR):
        for path in ("/unconnected/", "/limited/", "/personal/", "/api/vendo/connect/no%20slug/"):
            browser.get(path)
    assert (reported, caplog.records) == ([], [])


def test_other_errors_are_not_handled(browser: FlaskClient) -> None:
    with pytest.raises(ZeroDivisionError):
        browser.get("/broken/")


@pytest.mark.usefixtures("vendo_mode")
def test_the_applications_own_handlers_win() -> None:
    app = make_app(errors=True)
    app.register_error_handler(NotConnected, lambda error: (f"mine: {error.slug}", 418))
    assert app.test_client().get("/unconnected/").text == "mine: slack"
    assert app.test_client().get("/limited/").status_code == 429

    app = make_app(errors=True)
    app.register_error_handler(VendoError, lambda error: ("all mine", 418))
    assert app.test_client().get("/limited/").text == "all mine"
