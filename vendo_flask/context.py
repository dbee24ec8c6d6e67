"""The current application and the current request, in the old and the new contexts of Flask."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, current_app, has_request_context, request
from flask import globals as flask_globals
from flask.ctx import AppContext

#: Before Flask 3.2 a request has a context of its own, which may be that of another application.
_HAS_TWO_CONTEXTS = not hasattr(AppContext, "has_request")


def this_app() -> Flask:
    """Return the current application itself.

    Raises:
        RuntimeError: there is none.
    """
    proxy: Any = current_app
    app: Flask = proxy._get_current_object()
    return app


def current_request() -> Request | None:
    """Return the current request itself, or None, as for a request of another application."""
    if not has_request_context():
        return None
    if _HAS_TWO_CONTEXTS and flask_globals.request_ctx.app is not this_app():
        return None
    proxy: Any = request
    current: Request = proxy._get_current_object()
    return current
