"""What an application answers to vendo's errors."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.websockets import WebSocket, WebSocketState

from vendo import VendoError
from vendo.web import ErrorAnswer, error_answer, prefers_html, refusal
from vendo_starlette.clients import request_clients
from vendo_starlette.links import connect_link


async def answer_error(connection: Request | WebSocket, error: Exception) -> Response | None:
    """The exception handler that `install` adds for `VendoError`."""
    if not isinstance(error, VendoError):
        raise error
    answer = _answer(connection, error)
    _tell(answer, error)
    if isinstance(connection, WebSocket):
        await _refuse(connection, answer)
        return None
    return _response(connection, answer)


def refusal_response(error: VendoError) -> JSONResponse:
    """What a route of ours answers when the request itself is what is wrong, or we are."""
    answer = refusal(error)
    _tell(answer, error)
    return json_response(answer)


def json_response(answer: ErrorAnswer) -> JSONResponse:
    """The answer as JSON."""
    return JSONResponse(answer.body, answer.status, answer.headers)


def _answer(connection: HTTPConnection, error: VendoError) -> ErrorAnswer:
    if isinstance(error, HTTPException):  # the request itself is what is wrong
        return refusal(error)
    link = None
    # Without Vendo there is no page on which anything could be connected.
    clients = request_clients(connection.scope).clients
    if error.slug and clients.asynchronous().is_vendo_mode():
        link = connect_link(error.slug, connection)
    return error_answer(error, connect_url=link)


def _response(request: HTTPConnection, answer: ErrorAnswer) -> Response:
    if answer.connect_url is None:
        return json_response(answer)
    if prefers_html(request.headers.get("accept")):
        response: Response = RedirectResponse(answer.connect_url, 302)
    else:
        response = json_response(answer)
    response.headers.add_vary_header("Accept")
    return response


async def _refuse(websocket: WebSocket, answer: ErrorAnswer) -> None:
    """End a WebSocket: with the answer where it was not accepted yet, else with its code."""
    if websocket.application_state == WebSocketState.CONNECTING:
        if "websocket.http.response" in websocket.scope.get("extensions", {}):
            await websocket.send_denial_response(json_response(answer))
            return
    elif websocket.application_state == WebSocketState.DISCONNECTED:
        return
    await websocket.close(_close_code(answer.status), answer.body["error"]["code"])


def _close_code(status: int) -> int:
    """The WebSocket's word for a status (RFC 6455, section 7.4, and its registry)."""
    if status == 429:
        return 1013  # try again later
    return 1008 if status < 500 else 1011  # against the policy; or something unexpected


def _tell(answer: ErrorAnswer, error: VendoError) -> None:
    """A 500 says nothing, so that somebody else has to be told."""
    if answer.status == 500:
        import logging

        logging.getLogger("vendo").error("A request was answered with 500.", exc_info=error)
