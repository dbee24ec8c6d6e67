"""What happens to a request: it is recorded, held, damaged by a fault, and gets its response."""

from __future__ import annotations

import socket
from email.utils import formatdate
from urllib.parse import urlsplit

from vendo._protocol.origins import is_loopback
from vendo.testing._http.errors import error_response
from vendo.testing._http.handler import BadRequest, Handler
from vendo.testing._http.wire import CutOff, Wire, reset_on_close, shut_down
from vendo.testing._server import cors, routes
from vendo.testing._state.own_tokens import OwnTokens
from vendo.testing._state.requests import SeenRequest
from vendo.testing._state.state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing._http.messages import Request, Response
    from vendo.testing._server.routes import Target
    from vendo.testing._state.faults import Fault
    from vendo.testing._state.state import Options

#: A rejected request is read up to this length: with unread data, `close` would send a TCP reset,
#: and the client would lose the response.
_DRAINED_BYTES = 256 * 1024 * 1024
_DRAINING_SECONDS = 2.0

#: Where the control surface is. It is not a surface of the platform.
CONTROL_PREFIX = "/_control/"


class Service:
    """The server without its listening socket."""

    def __init__(self, options: Options, control: Callable[[Request], Response]) -> None:
        self._options = options
        #: Responds to requests below `CONTROL_PREFIX`.
        self._control = control
        self.own_tokens = OwnTokens(options.secret)
        self.state = State(options, self.own_tokens)
        #: The origin of the server, as its clients know it.
        self.site = ""

    def reset(self) -> None:
        """Set everything back to the start. Requests in progress end without a response."""
        old = self.state
        self.own_tokens.forget()
        self.state = State(self._options, self.own_tokens, first_event=old.events.next_number)
        old.end()

    def serve(self, sock: socket.socket) -> None:
        """Serve one connection until it ends."""
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
        state = self.state
        if not _is_for_loopback(request):
            response = error_response(
                "api", 421, None, "The Host header must be a loopback name, such as localhost."
            )
            self._send(Wire(sock, None, state.ended), state, response, keep_alive=False)
            return False
        if request.path.startswith(CONTROL_PREFIX):
            self._send(
                Wire(sock, None, state.ended), state, self._control(request), keep_alive=False
            )
            return False
        target = routes.locate(request, state, self.site)
        state.requests.add(_recorded(request, target))
        state.gates.hold(target.surface, target.slug)
        # A fault is for what a page sends, not for the browser's question before it.
        preflight = target.is_preflight(request)
        fault = None if preflight else state.faults.take(target.surface, target.slug)
        if fault is not None:
            _inject(sock, state, fault)
        if state.ended.is_set():
            raise CutOff
        response = self._response(state, request, target, fault)
        wire = Wire(sock, fault.body_damage if fault is not None else None, state.ended)
        keep_alive = request.keep_alive
        self._send(wire, state, response, keep_alive=keep_alive, method=request.method)
        return keep_alive and not (fault is not None and fault.close)

    @staticmethod
    def _response(state: State, request: Request, target: Target, fault: Fault | None) -> Response:
        response = fault.response(target.surface, target.slug) if fault is not None else None
        if response is None:
            try:
                response = routes.respond(target, request, state)
            except Exception as error:  # noqa: BLE001  # the client gets a response in any case
                problem = f"Internal error of the local server: {type(error).__name__}."
                response = error_response(target.surface, 500, None, problem)
        if fault is not None:
            fault.decorate(response, target.surface)
        if target.is_open:
            cors.allow(response, request)
        return response

    @staticmethod
    def _send(
        wire: Wire, state: State, response: Response, *, keep_alive: bool, method: str = "GET"
    ) -> None:
        head = response.head(formatdate(state.now(), usegmt=True), keep_alive=keep_alive)
        if response.stream is not None:
            response.stream(wire, head)
        else:
            wire.send_response(head, b"" if method == "HEAD" else response.body)


def _inject(sock: socket.socket, state: State, fault: Fault) -> None:
    """Do what a fault does before the request is looked at.

    Raises:
        CutOff: the fault resets the connection.
    """
    if fault.latency:
        state.ended.wait(fault.latency)
    if fault.reset:
        reset_on_close(sock)
        raise CutOff


def _recorded(request: Request, target: Target) -> SeenRequest:
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
    """Return False for other names: DNS rebinding would let a web page read the responses."""
    host = request.headers.get("host")
    if host is None:
        return True  # HTTP/1.0, which browsers do not speak
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)


def _drain(sock: socket.socket) -> None:
    shut_down(sock, socket.SHUT_WR)
    sock.settimeout(_DRAINING_SECONDS)
    room = _DRAINED_BYTES
    while room > 0 and (data := sock.recv(65536)):
        room -= len(data)
