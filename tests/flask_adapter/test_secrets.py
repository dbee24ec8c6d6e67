"""Debug pages, logs and frames of errors contain no secret."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from werkzeug.debug import DebuggedApplication
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, EnvironBuilder

import vendo
from flask_adapter.site import make_app
from support.shown import texts_of
from vendo import VendoError
from vendo_flask import FlaskVendo, current_vendo

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

# Pages show source lines around an error: do not write the canary on such a line.
CANARY = "".join(reversed("7x4yranac"))


def _fail() -> str:
    raise ZeroDivisionError


def _get_token() -> object:
    return current_vendo.token("slack")


def _get_tokens() -> object:
    return current_vendo.tokens(["slack", "gmail"])


def _list_connections() -> object:
    return current_vendo.connections.list()


def _execute() -> object:
    return current_vendo.data.execute("SLACK_SEND_MESSAGE")


def _use_session() -> object:
    return current_vendo.session("slack").get("https://slack.com/api/api.test")


def _make_link() -> object:
    return current_vendo.connect_url("gmail", return_to="nowhere")


@pytest.mark.parametrize(
    "ask",
    [
        _get_token,
        _get_tokens,
        _list_connections,
        _execute,
        _use_session,
        _make_link,
    ],
)
@pytest.mark.parametrize("trouble", ["missing", "rejected", "failing", "reset"])
def test_no_page_log_or_frame_of_an_error_shows_a_key_or_a_token(
    ask: Callable[[], object],
    trouble: str,
    vendo_mode: LocalVendo,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    app = make_app(VENDO_TIMEOUT=0.3)
    if trouble == "rejected":
        vendo_mode.revoke_key()
    elif trouble == "failing":
        vendo_mode.fail("any", status=400, times=None)
    elif trouble == "reset":
        vendo_mode.fail("any", reset=True, times=None)
    reports: list[str] = []

    def view() -> str:
        try:
            ask()
            return _fail()  # some calls succeed: show the page of another error
        except Exception as error:
            report = traceback.TracebackException.from_exception(error, capture_locals=True)
            reports.extend(report.format())
            raise

    app.add_url_rule("/", view_func=view)
    app.debug = True
    page = Client(DebuggedApplication(app, evalex=False)).get(
        "/", headers={"X-Vendo-User-JWT": CANARY, "Accept": "text/html"}
    )

    assert page.status_code == 500
    assert "Traceback" in page.text
    shown = page.text + "".join(reports) + caplog.text
    for secret in (vendo_mode.api_key, vendo_mode.token("gmail"), vendo_mode.webhook_secret):
        assert secret not in shown
    assert CANARY not in shown


class Outer:
    """Middleware of the application's own, around Flask's."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


@pytest.mark.parametrize("path", ["/", "/missing/"])
def test_a_users_jwt_is_masked_in_headers_and_environ(path: str, vendo_mode: LocalVendo) -> None:
    app = make_app()
    shown: list[str] = []
    read: list[Any] = []

    def see(*_: Any) -> str:
        headers = request.headers
        shown.append(f"{headers!r} {request.environ!r} {dict(headers)!r} {list(headers)!r}")
        read.append(headers["X-Vendo-User-JWT"])
        read.append(vendo.Vendo(vendo_mode.api_key).for_request(headers).token("gmail"))
        return current_vendo.token("gmail")

    app.add_url_rule("/", view_func=see)
    app.register_error_handler(404, see)
    app.wsgi_app = Outer(app.wsgi_app)  # type: ignore[method-assign]
    site = DispatcherMiddleware(app, {})
    response = Client(site).get(path, headers={"X-Vendo-User-JWT": CANARY})

    assert response.text == vendo_mode.token("gmail", user=CANARY)
    assert read == [CANARY, response.text]
    assert f"JWT is {read[0]}" == f"JWT is {CANARY}"
    assert CANARY not in shown[0]
    assert "X-Vendo-User-Jwt" in shown[0]


def test_frames_of_an_error_show_a_mask_for_the_jwt(vendo_mode: LocalVendo) -> None:
    app = make_app()
    app.testing = True  # the error comes out of `wsgi_app`
    headers = [("X-Vendo-User-JWT", CANARY)]
    environ = EnvironBuilder(path="/broken/", headers=headers).get_environ()
    with pytest.raises(ZeroDivisionError) as caught:
        app(environ, lambda *_: lambda _: None)

    assert [text for text in texts_of(caught.value) if CANARY in text] == []


_MALFORMED: list[dict[str, Any]] = [
    {"VENDO_API_KEY": f"two {CANARY}"},
    {"VENDO_API_KEY": CANARY, "VENDO_BASE_URL": "http://example.com"},
    {"VENDO_API_KEY": CANARY, "VENDO_TIMEOUT": -1},
    {"VENDO_API_KEY": CANARY, "VENDO_TIMEOUT": 1e9},
    {"VENDO_API_KEY": CANARY.encode()},
    {"VENDO_API_KEY": [CANARY]},
    {"VENDO_WEBHOOK_SECRETS": [CANARY, ""]},
    {"VENDO_KEY": CANARY},
]


@pytest.mark.parametrize("number", range(len(_MALFORMED)))
def test_a_malformed_option_is_in_no_frame_of_its_error(number: int) -> None:
    app = Flask("malformed")
    app.config.update(_MALFORMED[number])
    with pytest.raises(VendoError) as caught:
        FlaskVendo(app)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(report.format())


def test_the_state_of_an_application_shows_no_secret(vendo_mode: LocalVendo) -> None:
    app = make_app(vendo_mode.environment())
    client = app.extensions["vendo"]
    client.token("gmail")

    shown = repr(app.extensions) + str(client) + repr(vars(FlaskVendo(errors=True)))
    shown += repr(copy.copy(client)) + str(pickle.dumps(client._get_current_object()))
    with app.test_request_context(headers={"X-Vendo-User-JWT": CANARY}):
        current_vendo.token("gmail")
        shown += repr(current_vendo)
        assert "for a user" in repr(current_vendo)
    for secret in (
        vendo_mode.api_key,
        vendo_mode.webhook_secret,
        vendo_mode.token("gmail"),
        CANARY,
    ):
        assert secret not in shown
