"""The user whom the platform's proxy names, out of a request or a WebSocket."""

from __future__ import annotations

from starlette.exceptions import WebSocketException
from starlette.requests import HTTPConnection

import vendo
from vendo import IdentityNotPresent, sso
from vendo.web import VARY_ON_IDENTITY, identity_body
from vendo_starlette.clients import request_clients
from vendo_starlette.exceptions import NotSignedIn


def identity_of(connection: HTTPConnection) -> vendo.VendoIdentity | None:
    """Return the signed-in user, or None. The response then varies on them."""
    if sso.is_enabled():
        request_clients(connection.scope).used.update(VARY_ON_IDENTITY)
    return sso.identity_from_headers(connection.scope["headers"])


def require_identity(connection: HTTPConnection) -> None:
    """Let a connection go on only where a user is signed in.

    Raises:
        NotSignedIn: no user is (401).
        WebSocketException: no user is, and the connection is a WebSocket.
    """
    try:
        identity_body(connection.scope["headers"])
    except IdentityNotPresent as error:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(1008, error.code) from None
        raise NotSignedIn(*error.args) from None
