"""Applications of Flask, Django and Starlette that watch events."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import vendo
from vendo._client import event_watch

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIHandler
    from flask import Flask
    from starlette.applications import Starlette


def seen() -> dict[str, Any]:
    """Return the token of this process, and the modes of its running watches."""
    token = vendo.token("gmail")
    watchers = event_watch._watchers.values()
    return {"pid": os.getpid(), "token": token, "modes": [w.mode for w in watchers if w.is_running]}


def flask_app() -> Flask:
    from flask import Flask

    from vendo_flask import FlaskVendo

    app = Flask("watching")
    app.config["VENDO_WATCH"] = True
    FlaskVendo(app)
    app.add_url_rule("/", view_func=seen)
    return app


def starlette_app() -> Starlette:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from vendo_starlette import VendoSettings, install

    app = Starlette(routes=[Route("/", lambda _: JSONResponse(seen()))])
    install(app, VendoSettings(watch=True))
    return app


def wsgi() -> WSGIHandler:
    from django.core.wsgi import get_wsgi_application

    os.environ["DJANGO_SETTINGS_MODULE"] = "servers.watching_settings"
    return get_wsgi_application()
