"""The extension: `FlaskVendo(app)` gives an application its client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Request
from werkzeug.local import LocalProxy

from vendo import VendoError, web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo import Vendo as _CurrentClient
else:

    class _CurrentClient:
        """Passes public names on to `current_vendo`."""

        def __getattr__(self, name: str) -> object:
            if name.startswith("_"):  # `copy`, `inspect` and others look for these anywhere
                raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}.")
            from vendo_flask.clients import current_client

            return getattr(current_client(), name)


class FlaskVendo(_CurrentClient):
    """Give applications a client each. Both modes.

    After `init_app`, `app.extensions["vendo"]` is the application's client, and `current_vendo`
    that of the current request. The client follows `app.config`, and where that has no value the
    environment. In an application context the extension has the attributes of `current_vendo`.

    Args:
        app: the application; without it, call `init_app` later, once for each application.
        errors: whether the application responds to vendo's errors that no view handles: a missing
            connection becomes 424, for a browser a page with a button to connect it; a rate limit
            429; and so on. The application's own handlers for a narrower class win.
        cache: where an application with several processes remembers webhooks: a cache of
            Flask-Caching or cachelib that they share. `VENDO_REDIS_URL` does the same. Without
            either, each process remembers its own.

    Raises:
        RuntimeError, ValidationError, AuthError, NotConnected: as for `init_app`.

    Example:
        ```python
        from flask import Flask

        from vendo_flask import FlaskVendo

        app = Flask(__name__)
        vendo = FlaskVendo(app)

        @app.get("/mail")
        def mail():
            return vendo.session("gmail").get("/gmail/v1/users/me/profile").json()

        print(app.test_client().get("/mail").json["emailAddress"])
        ```
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        errors: bool = False,
        cache: web.SharedCache | None = None,
    ) -> None:
        self._errors = errors
        self._cache = cache
        if app is not None:
            self.init_app(app)

    @staticmethod
    def blueprint(*, may_connect: Callable[[Request, str], Any] | None = None) -> Blueprint:
        """Return the views: the same as `vendo_flask.blueprint`.

        Args:
            may_connect: `may_connect(request, slug)` returns whether the user may connect it.

        Returns:
            A new blueprint.

        Raises:
            ValidationError: `may_connect` is not a function.

        Example:
            ```python
            from flask import Flask

            from vendo_flask import FlaskVendo

            app = Flask(__name__)
            vendo = FlaskVendo(app)
            app.register_blueprint(vendo.blueprint())
            ```
        """
        from vendo_flask import views

        return views.blueprint(may_connect=may_connect)

    def init_app(self, app: Flask) -> None:
        """Give an application its client, its commands, its template globals and its handler.

        A client that is in `app.extensions["vendo"]` before, such as a mock, stays there.

        Args:
            app: the application, or a proxy such as `current_app`.

        Raises:
            RuntimeError: the application has Vendo already.
            ValidationError: it is not an application, or its configuration has an unknown option or
                an invalid value; with `VENDO_WATCH`, also where the Redis does not accept the
                password or is too old. One that is away is logged.
            AuthError: the key is malformed, or with `VENDO_REQUIRED` Vendo rejects it.
            MissingExtra: `VENDO_REDIS_URL` is set, and the package `redis` is not installed.
            NotConnected: a slug of `VENDO_REQUIRED` has no credential. In Vendo mode this sends a
                request; a backend that does not respond is logged.

        Example:
            ```python
            from flask import Flask

            from vendo_flask import FlaskVendo

            vendo = FlaskVendo()

            def create_app():
                app = Flask(__name__)
                app.config["VENDO_REQUIRED"] = ["gmail"]
                vendo.init_app(app)
                return app

            print(create_app().extensions["vendo"])
            ```
        """
        # With the first application, so that importing the package stays cheap.
        from vendo_flask import (
            checks,
            cli,
            clients,
            errors,
            identity,
            templating,
            watching,
            webhooks,
        )

        if isinstance(app, LocalProxy):  # such as `current_app`, which ends with its context
            app = app._get_current_object()
        if not isinstance(app, Flask):
            raise web.invalid(
                f"FlaskVendo needs a Flask application, not a value of type {type(app).__name__}.",
                fix="Write FlaskVendo(app) for app = Flask(__name__).",
            )
        if webhooks.STORE in app.extensions:
            raise RuntimeError(
                f"The application {app.name!r} has Vendo already. Fix: call init_app once for each "
                "application."
            )
        # A test may have put a mock there.
        client = app.extensions.get(clients.EXTENSION, LocalProxy(clients.AppClient(app)))
        store = webhooks.own_store(self._cache)
        checks.check_start(app, client, store)
        watching.start(app, client)
        app.extensions[webhooks.STORE] = store
        app.extensions[clients.EXTENSION] = client
        identity.mask_jwts(app)
        templating.add_globals(app)
        app.cli.add_command(cli.commands)
        if self._errors:
            app.register_error_handler(VendoError, errors.handle_error)
