"""Responses to vendo's errors, and the report of those that are internal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketState

from vendo import VendoError
from vendo.web import (
    ErrorResponse,
    error_page,
    error_response,
    prefers_html,
    request_error_response,
)
from vendo_starlette.clients import request_clients
from vendo_starlette.concurrency import call
from vendo_starlette.connect import Link, connect_link, why_not

#: Makes the page of an error: `(request, error, connect_url) -> Response`. `connect_url` is None
#: where this user may not connect the provider.
ErrorPageFactory: TypeAlias = Callable[[Request, VendoError, str | None], Any]

_pages: WeakKeyDictionary[Starlette, ErrorPageFactory] = WeakKeyDictionary()

# Not the logger "vendo", which is silent: a server without any logging set up shows it.
_logger = logging.getLogger("vendo_starlette")


def give_error_page(app: Starlette, make: ErrorPageFactory) -> None:
    """Give an application a page of its own for errors."""
    _pages[app] = make


async def handle_error(connection: Request | WebSocket, error: Exception) -> Response | None:
    """Handle one of vendo's errors: the exception handler that `install` adds.

    Raises:
        Exception: `error`, where it is not one of vendo's, and where it is internal, in debug mode:
            Starlette's debug page shows it.
    """
    if not isinstance(error, VendoError):
        raise error
    link = None
    if isinstance(error, HTTPException):  # it is about the request itself
        found = request_error_response(error)
    else:
        link = _link(connection, error)
        found = error_response(error, connect_url=link and link.address)
    if isinstance(connection, WebSocket):
        _log(found, error)
        await _close(connection, found)
        return None
    return await _response(connection, found, error, link)


async def handle_view_error(request: Request, error: VendoError) -> Response:
    """Return the response to an error of one of our own routes. A `ValidationError` is a 400.

    Raises:
        VendoError: as for `handle_error`.
    """
    return await _response(request, request_error_response(error), error)


def _link(connection: HTTPConnection, error: VendoError) -> Link | None:
    # OSS mode has no page to connect a provider on.
    clients = request_clients(connection.scope).clients
    if error.slug and clients.asynchronous().is_vendo_mode():
        return connect_link(error.slug, connection)
    return None


async def _response(
    request: Request, found: ErrorResponse, error: VendoError, link: Link | None = None
) -> Response:
    app = request.scope.get("app")
    debug = isinstance(app, Starlette) and app.debug
    if found.is_internal and debug:
        raise error
    _log(found, error)
    response: Response
    if prefers_html(request.headers.get("accept")):
        blocked = await why_not(request, error.slug or "", link.may_connect) if link else None
        response = await _page(request, found, error, blocked, debug=debug)
    else:
        response = _json(found)
    response.headers.add_vary_header("Accept")
    return response


async def _page(
    request: Request,
    found: ErrorResponse,
    error: VendoError,
    blocked: VendoError | None,
    *,
    debug: bool,
) -> Response:
    app = request.scope.get("app")
    own = _pages.get(app) if isinstance(app, Starlette) else None
    if own is not None:
        link = None if blocked is not None else found.connect_url
        response: Response = await call(own, request, error, link)
        return response
    page = error_page(error, found, query=request.url.query, blocked=blocked, debug=debug)
    # No other site may lead a user to the button.
    headers = {**found.headers, "X-Frame-Options": "DENY"}
    return HTMLResponse(page.html(), found.status, headers)


def _json(found: ErrorResponse) -> JSONResponse:
    return JSONResponse(found.body, found.status, found.headers)


async def _close(websocket: WebSocket, found: ErrorResponse) -> None:
    """End a WebSocket: with a response before it is accepted, else with a close code."""
    if websocket.application_state == WebSocketState.CONNECTING:
        if "websocket.http.response" in websocket.scope.get("extensions", {}):
            await websocket.send_denial_response(_json(found))
            return
    elif websocket.application_state == WebSocketState.DISCONNECTED:
        return
    await websocket.close(found.close_code, found.body["error"]["code"])


def _log(found: ErrorResponse, error: VendoError) -> None:
    if found.is_internal:
        _logger.error("Internal error in a request.", exc_info=error)
