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
from vendo_starlette.connect import check_connect, connect_link, may_connect_of

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
    found = _found(connection, error)
    if isinstance(connection, WebSocket):
        _log(found, error)
        await _close(connection, found)
        return None
    return await _response(connection, found, error)


async def handle_view_error(request: Request, error: VendoError) -> Response:
    """Return the response to an error of one of our own routes. A `ValidationError` is a 400.

    Raises:
        VendoError: as for `handle_error`.
    """
    return await _response(request, request_error_response(error), error)


def _found(connection: HTTPConnection, error: VendoError) -> ErrorResponse:
    if isinstance(error, HTTPException):  # it is about the request itself
        return request_error_response(error)
    link = None
    # OSS mode has no page to connect a provider on.
    clients = request_clients(connection.scope).clients
    if error.slug and clients.asynchronous().is_vendo_mode():
        link = connect_link(error.slug, connection)
    return error_response(error, connect_url=link)


async def _response(request: Request, found: ErrorResponse, error: VendoError) -> Response:
    app = request.scope.get("app")
    debug = isinstance(app, Starlette) and app.debug
    if found.is_internal and debug:
        raise error
    _log(found, error)
    response: Response
    if prefers_html(request.headers.get("accept")):
        blocked = await _why_blocked(request, error) if found.connect_url else None
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
    return HTMLResponse(page.html(), found.status, found.headers)


async def _why_blocked(request: Request, error: VendoError) -> VendoError | None:
    """Return why the user of a request may not connect the provider, or None."""
    try:
        await check_connect(request, error.slug or "", may_connect_of(request))
    except VendoError as why:
        return why
    return None


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
