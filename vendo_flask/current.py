"""What belongs to the request at hand: its client, and the person who is signed in."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, current_app, has_request_context, request
from flask import globals as flask_globals
from flask.ctx import AppContext
from werkzeug.local import LocalProxy

from vendo import IdentityNotPresent, Vendo, VendoIdentity, sso
from vendo.web import JWT_HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:

    class CurrentVendo(Vendo):
        """The type of `current_vendo`: a client, and the way to it."""

        def _get_current_object(self) -> Vendo: ...


EXTENSION = "vendo"

#: The header as it stands in a WSGI environ.
_JWT_KEY = "HTTP_" + JWT_HEADER.upper().replace("-", "_")
#: Where a request keeps its client, next to the application's that it was made from.
_MEMO = "_vendo_client"
#: Before Flask 3.2 a request has a context of its own, which may be that of another application.
_HAS_TWO_CONTEXTS = not hasattr(AppContext, "has_request")


def this_app() -> Flask:
    """The current application itself.

    Raises:
        RuntimeError: there is none.
    """
    proxy: Any = current_app
    app: Flask = proxy._get_current_object()
    return app


def app_client() -> Vendo:
    """The client of the current application.

    Raises:
        RuntimeError: there is no current application, or it has no Vendo.
    """
    app = this_app()
    try:
        client: Vendo = app.extensions[EXTENSION]
    except KeyError:
        raise RuntimeError(
            f"The application {app.name!r} has no Vendo. Write FlaskVendo(app), or "
            "vendo.init_app(app) in its factory."
        ) from None
    return client._get_current_object() if isinstance(client, LocalProxy) else client


def current_request() -> Request | None:
    """The request at hand, where it is one of the current application's."""
    if not has_request_context():
        return None
    if _HAS_TWO_CONTEXTS and flask_globals.request_ctx.app is not this_app():
        return None
    return request


def current_client() -> Vendo:
    """The client of the request at hand, or of the application where there is none."""
    client = app_client()
    asking = current_request()
    if asking is None:
        return client
    jwt = asking.environ.get(_JWT_KEY)
    if not jwt or not jwt.strip():
        return client
    kept = getattr(asking, _MEMO, None)
    if kept is not None and kept[0] is client:
        scoped: Vendo = kept[1]
        return scoped
    if not client.is_vendo_mode():
        return client
    scoped = client.for_user(jwt)
    # With the request, and not in `g`: a context that is pushed inside of another one shares it.
    setattr(asking, _MEMO, (client, scoped))
    return scoped


class CurrentIdentity(LocalProxy["VendoIdentity | None"]):
    """The type of `vendo_identity`: false where nobody is signed in, else that person.

    Attributes are those of `VendoIdentity`; without a person they raise `IdentityNotPresent`.
    Called, it gives the `VendoIdentity` itself, or None.
    """

    if TYPE_CHECKING:
        user_id: str
        email: str
        name: str
        tenant_id: str
        role: str

    def __call__(self) -> VendoIdentity | None:
        """The person who is signed in, or None.

        Raises:
            RuntimeError: there is no request.
        """
        return self._get_current_object()

    if not TYPE_CHECKING:  # which would make every attribute known to a type checker

        def __getattr__(self, name: str) -> object:
            identity = self._get_current_object()
            if identity is None and name in VendoIdentity.__slots__:
                raise IdentityNotPresent(
                    "identity_not_present",
                    "The request names no signed-in person.",
                    suggested_fix="Look whether vendo_identity is true before its attributes.",
                )
            return getattr(identity, name)


def _identity() -> VendoIdentity | None:
    asking = current_request()
    if asking is None:
        raise RuntimeError("vendo_identity is for requests, and there is none here.")
    return sso.identity_from_headers(asking.environ)


#: The client of the request at hand: that of its person where the request carries their JWT, else
#: the application's, which it is outside of requests as well. Both modes. What is made from it,
#: such as a session, stays good after the request.
current_vendo: CurrentVendo = LocalProxy(current_client)  # type: ignore[assignment]  # a proxy

#: The person who is signed in to the request at hand; false where nobody is, and always false where
#: the platform's proxy is not in front (`VENDO_AUTH=1`).
vendo_identity: CurrentIdentity = CurrentIdentity(_identity)
