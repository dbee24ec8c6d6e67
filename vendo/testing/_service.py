"""What happens to one connection: requests are read, recorded, held, spoilt and answered."""

from __future__ import annotations

import socket
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vendo._protocol.origins import is_loopback
from vendo.testing import _routes
from vendo.testing._errors import error_response
from vendo.testing._handler import BadRequest, Handler
from vendo.testing._http import Response
from vendo.testing._seen import SeenRequest
from vendo.testing._state import State
from vendo.testing._wire import CutOff, Wire, reset_on_close, shut_down

if TYPE_CHECKING:
    from vendo.testing._faults import Fault
    from vendo.testing._http import Request
    from vendo.testing._routes import Target
    from vendo.testing._state import Beginning

#: Of a request that is refused unread, so much is read and thrown away: closed at once, the
#: connection would be reset, and the client would not get to see the answer.
_DRAINED_BYTES = 256 * 1024 * 1024
_DRAINING_SECONDS = 2.0


class Service:
    """The server without its sockets: it is handed connections, each in a thread of its own."""

    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning
        self.state = State(beginning)
        #: The origin of the server, as its clients know it.
        self.site = ""

    def reset(self) -> None:
        """Everything is as it was at the start. Requests under way end without an answer."""
        old = self.state
        self.state = State(self._beginning, first_event=old.events.next_number)
        old.end()

    def serve(self, sock: socket.socket) -> None:
        """Answer the requests of one connection until it ends."""
        self.state.count_connection()
        Handler(sock, self)

    def reject(self, sock: socket.socket, error: BadRequest) -> None:
        """Send the response to a request that cannot be read."""
        state = self.state
        response = error_response("api", error.status, None, error.message)
        self._send(Wire(sock, None, state.ended), state, response, keep_alive=False)
        _drain(sock)

    def respond(self, sock: socket.socket, request: Request) -> bool:
        """Send the response to a request. Return True to keep the connection open."""
        try:
            return self._exchange(sock, request)
        except CutOff:
            return False

    def _exchange(self, sock: socket.socket, request: Request) -> bool:
        """Answer one request. False where the connection ends with it."""
        state = self.state
        if not _is_for_loopback(request):
            refusal = error_response(
                "api", 421, None, "This server answers to loopback names alone."
            )
            self._send(Wire(sock, None, state.ended), state, refusal, keep_alive=False)
            return False
        target = _routes.locate(request, state, self.site)
        state.seen.add(_seen(request, target))
        state.gates.hold(target.surface, target.slug)
        fault = state.faults.take(target.surface, target.slug)
        if fault is not None:
            _suffer(sock, state, fault)
        if state.ended.is_set():
            raise CutOff
        response = self._answer(state, request, target, fault)
        keep_alive = request.keep_alive
        wire = Wire(sock, fault, state.ended)
        self._send(wire, state, response, keep_alive=keep_alive, method=request.method)
        return keep_alive and not (fault is not None and fault.close)

    @staticmethod
    def _answer(state: State, request: Request, target: Target, fault: Fault | None) -> Response:
        response = fault.answer(target.surface, target.slug) if fault is not None else None
        if response is None:
            try:
                response = _routes.respond(target, request, state)
            except Exception as error:  # noqa: BLE001  # a client is to be told, whatever it is
                problem = f"The local server failed with {type(error).__name__}."
                response = error_response(target.surface, 500, None, problem)
        if fault is not None:
            fault.decorate(response, target.surface)
        return response

    @staticmethod
    def _send(
        wire: Wire, state: State, response: Response, *, keep_alive: bool, method: str = "GET"
    ) -> None:
        head = response.head(_date(state), keep_alive=keep_alive)
        if response.stream is not None:
            response.stream(wire, head)
        else:
            wire.answer(head, b"" if method == "HEAD" else response.body)


def _suffer(sock: socket.socket, state: State, fault: Fault) -> None:
    """What a fault does before the request is looked at.

    Raises:
        CutOff: the connection is reset.
    """
    if fault.latency:
        state.ended.wait(fault.latency)
    if fault.reset:
        reset_on_close(sock)
        raise CutOff


def _seen(request: Request, target: Target) -> SeenRequest:
    return SeenRequest(
        method=request.method,
        path=request.path,
        query=request.parameters(),
        raw_query=request.query,
        headers=request.headers,
        body=request.body,
        surface=target.surface,
        slug=target.slug,
    )


def _is_for_loopback(request: Request) -> bool:
    """False for a name that somebody made point here: a web page could read the answers."""
    host = request.headers.get("host")
    if host is None:
        return True  # HTTP/1.0, which no browser speaks
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)


def _date(state: State) -> str:
    return formatdate(state.now(), usegmt=True)


def _drain(sock: socket.socket) -> None:
    shut_down(sock, socket.SHUT_WR)
    sock.settimeout(_DRAINING_SECONDS)
    room = _DRAINED_BYTES
    while room > 0 and (data := sock.recv(65536)):
        room -= len(data)
