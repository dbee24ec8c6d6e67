"""Events that are watched while an application runs."""

from __future__ import annotations

import os
import sys

from flask import Flask
from flask.helpers import get_debug_flag

from vendo import Vendo, web
from vendo_flask import settings
from vendo_flask.clients import EXTENSION, application_client

#: The extension that watches.
WATCH = "vendo_watch"


def start(app: Flask, client: Vendo) -> None:
    """Watch events in each process that serves the application, where a setting asks for it.

    Raises:
        MissingExtra: there is a URL of a Redis, and the package `redis` is not installed.
        ValidationError: the URL is malformed, or the Redis cannot be used with it.
    """
    if not settings.watches_events(app) or _only_starts_another_process():
        return
    given = settings.redis_url(app)
    source = web.redis_source(given, settings.client_label("redis_url"))

    def present_client() -> Vendo:
        return application_client(app.extensions.get(EXTENSION, client))  # a test may replace it

    watch = web.AppWatch(present_client, web.redis_url(given), source)
    watch.check()
    app.extensions[WATCH] = watch
    app.before_request(watch.begin)


def _only_starts_another_process() -> bool:
    """Return True in the process of `flask run` that restarts the one that serves."""
    is_run = os.environ.get("FLASK_RUN_FROM_CLI") == "true" and "run" in sys.argv
    reloads = "--no-reload" not in sys.argv and (get_debug_flag() or "--reload" in sys.argv)
    return is_run and reloads and os.environ.get("WERKZEUG_RUN_MAIN") != "true"
