"""Jinja globals: connection status and connect links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask, render_template_string

from flask_adapter.site import make_app
from vendo import ValidationError
from vendo_flask import templating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from vendo.testing import LocalVendo

JWT = {"X-Vendo-User-JWT": "user.one.jwt"}
BOTH = "{{ vendo_connected('Gmail') }} {{ vendo_connected('slack') }}"


@pytest.fixture
def page(app: Flask) -> Iterator[None]:
    with app.test_request_context("/inbox/?a=b", headers=JWT):
        yield


@pytest.mark.usefixtures("page")
def test_a_page_makes_one_request_for_all_providers_of_its_user(vendo_mode: LocalVendo) -> None:
    vendo_mode.clear_requests()

    assert render_template_string(BOTH) == "True False"
    assert vendo_mode.count("api") == 1
    assert vendo_mode.requests[-1].headers["x-vendo-user-jwt"] == "user.one.jwt"


def test_each_request_checks_again(vendo_mode: LocalVendo, app: Flask) -> None:
    with app.test_request_context():
        assert render_template_string(BOTH) == "True False"
        vendo_mode.disconnect("gmail")
        assert render_template_string(BOTH) == "True False"
    with app.test_request_context():
        assert render_template_string(BOTH) == "False False"


@pytest.mark.parametrize("problem", ["outage", "rejected key", "malformed key", "broken option"])
def test_a_page_does_not_fail_because_of_a_status_and_the_log_says_why_once(
    problem: str, vendo_mode: LocalVendo, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["VENDO_TIMEOUT"] = 1
    if problem == "outage":
        vendo_mode.stop()
    elif problem == "rejected key":
        vendo_mode.revoke_key()
    else:
        app.config["VENDO_API_KEY"] = "canary key" if problem == "malformed key" else ["canary"]

    with app.test_request_context("/inbox/", headers=JWT):
        assert render_template_string(BOTH) == "False False"
        link = render_template_string("{{ vendo_connect_url('gmail') }}")
        assert link == "/api/vendo/connect/gmail/?next=%2Finbox%2F"
        assert "Connect Gmail" in render_template_string("{{ vendo_connect_button('gmail') }}")
    (record,) = caplog.records
    assert (record.name, record.levelname) == (app.logger.name, "ERROR")
    assert record.getMessage().startswith("vendo_connected shows every provider as not connected: ")
    assert "canary" not in caplog.text


def test_an_error_of_the_application_still_fails_the_page() -> None:
    app = Flask("bare")
    templating.add_globals(app)
    with app.test_request_context(), pytest.raises(RuntimeError, match="FlaskVendo"):
        render_template_string(BOTH)


def test_outside_of_a_request_nothing_is_cached(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "{{ vendo_connected('openai') }}"
    with app.app_context():
        assert render_template_string(source) == "False"
        monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
        assert render_template_string(source) == "True"


@pytest.mark.usefixtures("page", "vendo_mode")
def test_a_connect_link_returns_to_the_page_and_contains_no_key() -> None:
    link = render_template_string("{{ vendo_connect_url('Gmail') }}")

    assert link == "/api/vendo/connect/gmail/?next=%2Finbox%2F%3Fa%3Db"


def test_outside_of_a_request_a_link_needs_the_server_name() -> None:
    app = make_app(SERVER_NAME="mail.example.com", PREFERRED_URL_SCHEME="https")
    with app.app_context():
        link = render_template_string("{{ vendo_connect_url('gmail') }}")
    assert link == "https://mail.example.com/api/vendo/connect/gmail/"


def test_a_button_names_the_provider(vendo_mode: LocalVendo, browser: FlaskClient) -> None:
    page = browser.get("/page/").text

    assert "Connect Gmail" in page
    assert 'href="/api/vendo/connect/gmail/?next=%2Fpage%2F"' in page
    assert 'class="vendo-connect"' in page
    assert vendo_mode.api_key not in page


@pytest.mark.usefixtures("page")
def test_a_button_may_have_its_own_text() -> None:
    assert ">A &amp; B</a>" in render_template_string(
        "{{ vendo_connect_button('gmail', 'A & B') }}"
    )
    assert ">Connect in-house</a>" in render_template_string(
        "{{ vendo_connect_button('in-house') }}"
    )


def test_without_the_views_the_error_says_what_to_add() -> None:
    app = make_app(views=False)
    with app.test_request_context(), pytest.raises(RuntimeError, match="register_blueprint"):
        render_template_string("{{ vendo_connect_button('gmail') }}")


def test_a_page_can_name_the_user(app: Flask, proxy: dict[str, str]) -> None:
    source = (
        "{% macro who() %}{% if vendo_identity %}{{ vendo_identity.name }}{% else %}signed out"
        "{% endif %} {{ vendo_identity() is none }}{% endmacro %}{{ who() }}"
    )
    with app.test_request_context(headers=proxy):
        assert render_template_string(source) == "Ada Example False"
    with app.test_request_context():
        assert render_template_string(source) == "signed out True"


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("slug", ["''", "none", "undefined", "'my tool'", "5"])
@pytest.mark.parametrize("helper", ["vendo_connect_button", "vendo_connect_url"])
def test_a_link_for_what_is_no_slug_is_an_error_about_the_slug(helper: str, slug: str) -> None:
    with pytest.raises(ValidationError, match="A slug is made of"):
        render_template_string(f"{{{{ {helper}({slug}) }}}}")
