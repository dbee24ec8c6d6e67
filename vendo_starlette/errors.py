"""Responses to vendo's errors, and the report of those that are internal."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.websockets import WebSocket, WebSocketState

from vendo import VendoError
from vendo.web import ErrorResponse, error_response, prefers_html, request_error_response
from vendo_starlette.clients import request_clients
from vendo_starlette.connect import connect_link


async def handle_error(connection: Request | WebSocket, error: Exception) -> Response | None:
    """Handle one of vendo's errors: the exception handler that `install` adds.

    Raises:
        Exception: `error`, where it is not one of vendo's.
    """
    if not isinstance(error, VendoError):
        raise error
    found = _found(connection, error)
    _log(found, error)
    if isinstance(connection, WebSocket):
        await _close(connection, found)
        return None
    return _response(connection, found)


def handle_view_error(error: VendoError) -> JSONResponse:
    """Return the response to an error of one of our own routes. A `ValidationError` is a 400."""
    found = request_error_response(error)
    _log(found, error)
    return _json(found)


def _found(connection: HTTPConnection, error: VendoError) -> ErrorResponse:
    if isinstance(error, HTTPException):  # it is about the request itself
        return request_error_response(error)
    link = None
    # OSS mode has no page to connect a provider on.
    clients = request_clients(connection.scope).clients
    if error.slug and clients.asynchronous().is_vendo_mode():
        link = connect_link(error.slug, connection)
    return error_response(error, connect_url=link)


def _response(request: HTTPConnection, found: ErrorResponse) -> Response:
    if found.connect_url is None:
        return _json(found)
    if prefers_html(request.headers.get("accept")):
        response: Response = RedirectResponse(found.connect_url, 302)
    else:
        response = _json(found)
    response.headers.add_vary_header("Accept")
    return response


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
        logging.getLogger("vendo").error("Internal error in a request.", exc_info=error)
