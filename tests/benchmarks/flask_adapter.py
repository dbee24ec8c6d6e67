"""Figures of the Flask adapter: its cost per request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.test import EnvironBuilder

from benchmarks.harness import Figure, microseconds_more, running_service
from vendo_flask import FlaskVendo, blueprint, current_vendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "vendo_sk_" + "k" * 32


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    os.environ.pop("VENDO_AUTH", None)
    with running_service() as address:
        os.environ["VENDO_API_KEY"] = KEY
        os.environ["VENDO_CREDENTIALS_URL"] = address.url
        yield from _requests()
        yield from _inside_of_a_request()
        del os.environ["VENDO_API_KEY"], os.environ["VENDO_CREDENTIALS_URL"]


def _app(view: Callable[[], str], *, with_vendo: bool = True) -> Flask:
    app = Flask("benchmark")
    if with_vendo:
        FlaskVendo(app, errors=True)
        app.register_blueprint(blueprint(may_connect=lambda request, slug: False))
    app.add_url_rule("/", view_func=view)
    return app


def _requests() -> Iterator[Figure]:
    def nothing() -> str:
        return ""

    def one_token() -> str:
        current_vendo.token("openai")
        return ""

    user = {"X-Vendo-User-JWT": "header.payload.signature"}
    bare = _serving(_app(nothing, with_vendo=False))
    for what, call, limit in (
        ("Flask: a request that uses nothing", _serving(_app(nothing)), 8.0),
        (
            "Flask: a request with one cached `current_vendo.token()`",
            _serving(_app(one_token)),
            20.0,
        ),
        (
            "Flask: a request with one cached `current_vendo.token()` for its user",
            _serving(_app(one_token), user),
            35.0,
        ),
    ):
        call()
        yield Figure(
            what, "an application without Vendo", microseconds_more(call, bare), limit, "µs more"
        )


def _inside_of_a_request() -> Iterator[Figure]:
    app = _app(str)
    with app.test_request_context(headers={"X-Vendo-User-JWT": "header.payload.signature"}):
        current_vendo.token("openai")
        yield Figure(
            "Flask: `current_vendo.token()` cached",
            "`request.path`",
            microseconds_more(lambda: current_vendo.token("openai"), lambda: request.path),
            8.0,
            "µs more",
        )


def _serving(app: Flask, headers: dict[str, str] | None = None) -> Callable[[], object]:
    """Return a call that sends one request through the whole application."""
    environ = EnvironBuilder(headers=[*(headers or {}).items()]).get_environ()

    def start_response(*_: Any) -> Any:
        return None

    return lambda: app.wsgi_app(environ.copy(), start_response)
