"""The clients of an application and of each request, as `app.config` is at each use."""

from __future__ import annotations

from flask import Flask, has_app_context
from werkzeug.local import LocalProxy

import vendo
from vendo.web import VARY_ON_CLIENT, ClientCache, client_for_user, user_jwts
from vendo_flask import settings
from vendo_flask.context import current_request, this_app
from vendo_flask.identity import vary_on

TYPE_CHECKING = False
if TYPE_CHECKING:

    class CurrentVendo(vendo.Vendo):
        """The type of `current_vendo`: a client behind a proxy."""

        def _get_current_object(self) -> vendo.Vendo: ...


EXTENSION = "vendo"

#: The attribute of a request that keeps its client, with the application's that it came from.
_MEMO = "_vendo_client"


class AppClient:
    """The client of one application, made when it is first used and when the options change.

    Everything that comes from it shares its connections.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._cache = ClientCache(vendo.Vendo, settings.client_label, close=vendo.Vendo.close)

    def __repr__(self) -> str:
        return f"<AppClient of {self._app.name!r}>"

    def __call__(self) -> vendo.Vendo:
        """Return the client. Both modes.

        Raises:
            AuthError: the key is malformed.
            ValidationError: another value is.
        """
        try:
            client = self._cache.get(settings.client_values(self._app))
        except TypeError:  # a value that cannot be hashed is invalid
            client = None
        return client or self._cache.make(settings.client_options(self._app))


def app_client() -> vendo.Vendo:
    """Return the client of the current application.

    Raises:
        RuntimeError: no application is active, or it has no Vendo.
    """
    if not has_app_context():
        raise RuntimeError(
            "Vendo needs an application context. Fix: use it in a view or a command, or write "
            '`with app.app_context():`. app.extensions["vendo"] needs none.'
        )
    app = this_app()
    try:
        client: vendo.Vendo = app.extensions[EXTENSION]
    except KeyError:
        raise RuntimeError(
            f"The application {app.name!r} has no FlaskVendo. Fix: write FlaskVendo(app), or "
            "FlaskVendo().init_app(app) in its factory."
        ) from None
    return application_client(client)


def application_client(client: vendo.Vendo) -> vendo.Vendo:
    """Return the client of an extension, which has a proxy for one that follows the options."""
    return client._get_current_object() if isinstance(client, LocalProxy) else client


def current_client() -> vendo.Vendo:
    """Return the client of the current request's user, or the application's outside of requests."""
    client = app_client()
    request = current_request()
    if request is None:
        return client
    kept = getattr(request, _MEMO, None)
    if kept is None or kept[0] is not client:
        kept = (client, client_for_user(client, user_jwts(request.environ)))
        # On the request, not in `g`: a context that is pushed inside of another one shares `g`.
        setattr(request, _MEMO, kept)
        if kept[1] is not client or client.is_vendo_mode():
            vary_on(request, VARY_ON_CLIENT)
    scoped: vendo.Vendo = kept[1]
    return scoped


current_vendo: CurrentVendo = LocalProxy(current_client)  # type: ignore[assignment]  # a proxy
"""The client of the current request, with all attributes of `Vendo`. Both modes.

If the request carries a user's JWT, it acts for that user; else, and outside of requests, it is the
application's. A session that comes from it works after the request too. Without an application it
raises `RuntimeError`.

Example:
    ```python
    from flask import Flask

    from vendo_flask import FlaskVendo, current_vendo

    app = Flask(__name__)
    FlaskVendo(app)

    @app.get("/mail")
    def mail():
        return current_vendo.session("gmail").get("/gmail/v1/users/me/profile").json()

    print(app.test_client().get("/mail").json["emailAddress"])
    ```
"""
