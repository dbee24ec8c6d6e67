"""`app.extensions["vendo"] = mock`: one client for a whole application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, render_template_string

from flask_adapter.site import make_app
from support.connect_flow import BROWSER, button_of
from vendo import NotConnected
from vendo.testing import MockClient
from vendo_flask import FlaskVendo, blueprint, checks, current_vendo

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

JWT = {"X-Vendo-User-JWT": "user.one.jwt"}


def _mock() -> MockClient:
    return MockClient(tokens={"gmail": "sk-test-mock"})


@pytest.mark.parametrize("moment", ["before init_app", "after init_app", "after a request"])
def test_everything_uses_the_mock(moment: str, vendo_mode: LocalVendo) -> None:
    app = Flask("mocked")
    vendo = FlaskVendo(errors=True)
    if moment == "before init_app":
        app.extensions["vendo"] = _mock()
    vendo.init_app(app)
    app.register_blueprint(blueprint(may_connect=lambda request, slug: True))
    source = "{{ vendo_connected('gmail') }} {{ vendo_connected('openai') }}"
    views: dict[str, Callable[[], str]] = {
        "token": lambda: current_vendo.token("gmail"),
        "extension": lambda: vendo.token("gmail"),
        "slack": lambda: vendo.token("slack"),
        "page": lambda: render_template_string(source),
    }
    for name, view in views.items():
        app.add_url_rule(f"/{name}/", name, view)
    browser = app.test_client()
    if moment == "after a request":
        assert browser.get("/page/").text == "True True"
    if moment != "before init_app":
        app.extensions["vendo"] = _mock()
    vendo_mode.clear_requests()

    for headers in ({}, JWT):
        assert browser.get("/token/", headers=headers).text == "sk-test-mock"
        assert browser.get("/extension/", headers=headers).text == "sk-test-mock"
        assert browser.get("/page/", headers=headers).text == "True False"
        button = button_of(browser.get("/slack/", headers={**headers, **BROWSER}).text)
        assert button
        assert browser.get(button, headers=headers).status_code == 302
    runner = app.test_cli_runner()
    assert runner.invoke(args=["vendo", "token", "gmail"]).output == "sk-test-mock\n"
    assert "gmail" in runner.invoke(args=["vendo", "connections"]).output
    with app.app_context():
        assert not [finding for finding in checks.findings(app) if finding.is_wrong]
    assert vendo_mode.requests == []


def test_required_slugs_are_those_of_the_mock() -> None:
    app = Flask("required")
    app.config["VENDO_REQUIRED"] = ["gmail", "slack"]
    app.extensions["vendo"] = _mock()
    with pytest.raises(NotConnected, match="slack"):
        FlaskVendo(app)

    app.extensions["vendo"] = MockClient(tokens={"gmail": "sk-test-1", "slack": "sk-test-2"})
    FlaskVendo(app)


def test_a_replaced_mock_counts_within_one_context() -> None:
    app = make_app()
    with app.test_request_context():
        for connections in (["gmail"], []):
            app.extensions["vendo"] = MockClient(connections=connections)
            assert render_template_string("{{ vendo_connected('gmail') }}") == str(
                bool(connections)
            )
            assert current_vendo.connections.connected_slugs() == connections


def test_init_app_twice_is_an_error_with_a_mock_too() -> None:
    app = Flask("once")
    app.extensions["vendo"] = _mock()
    FlaskVendo(app)
    with pytest.raises(RuntimeError, match="once"):
        FlaskVendo(app)


def test_a_test_may_put_the_mock_back(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    own: Any = app.extensions["vendo"]
    with monkeypatch.context() as patch, app.app_context():
        patch.setitem(app.extensions, "vendo", _mock())
        assert current_vendo.token("gmail") == "sk-test-mock"
    assert app.extensions["vendo"] is own
