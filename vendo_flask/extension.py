"""`FlaskVendo`, which an application is given Vendo with."""

from __future__ import annotations

from flask import Blueprint, Flask
from werkzeug.local import LocalProxy

from vendo import VendoError
from vendo_flask import answers, checks, conf, repeats, templating, views
from vendo_flask.cli import commands
from vendo_flask.clients import AppClient
from vendo_flask.current import EXTENSION
from vendo_flask.repeats import Cache


class FlaskVendo:
    """Gives applications a client each. Both modes.

    `app.extensions["vendo"]` is the application's client from then on, and `current_vendo` that of
    the request at hand. The client follows `app.config`, and the environment where that is silent.

    Args:
        app: the application; without it, `init_app` takes it later, or several of them.
        errors: whether the application answers vendo's errors that a view leaves unhandled: a
            missing connection becomes 424, or for a browser a redirect to where it can be made; a
            rate limit 429; and so on. Handlers of the application's own win where they are for a
            narrower class.
        cache: where applications that run in several processes keep which webhooks they have
            handled: a cache of Flask-Caching's or cachelib's. By default each process knows of its
            own.

    Raises:
        RuntimeError, ValidationError, AuthError, NotConnected: as for `init_app`.
    """

    def __init__(
        self, app: Flask | None = None, *, errors: bool = False, cache: Cache | None = None
    ) -> None:
        self._errors = errors
        self._cache = cache
        if app is not None:
            self.init_app(app)

    @staticmethod
    def blueprint() -> Blueprint:
        """The views; see `vendo_flask.blueprint`."""
        return views.blueprint()

    def init_app(self, app: Flask) -> None:
        """Give an application its client, its commands, its template globals and its handler.

        Raises:
            RuntimeError: the application has one already.
            ValidationError: the configuration has an unknown option or a value of a wrong kind.
            AuthError: the key is malformed, or with `VENDO_REQUIRED` Vendo refuses it.
            NotConnected: a slug of `VENDO_REQUIRED` has no credential. In Vendo mode the backend
                is asked for them; where it does not answer, that is logged.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError(
                f"The application {app.name!r} has Vendo already: call init_app once for each "
                "application."
            )
        conf.check(app)
        client = AppClient(app)
        checks.check_start(app, client())
        app.extensions[EXTENSION] = LocalProxy(client)
        repeats.keep_seen_events(app, self._cache)
        templating.add_globals(app)
        app.cli.add_command(commands)
        if self._errors:
            app.register_error_handler(VendoError, answers.response_to)
