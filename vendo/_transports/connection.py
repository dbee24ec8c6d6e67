"""One connection of `http.client`, with a deadline that holds."""

from __future__ import annotations

import io
import select
import time
from functools import lru_cache
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from ssl import SSLSocket, SSLWantReadError

from vendo._protocol.decoding import too_large
from vendo._protocol.secret import Secret
from vendo._protocol.steps import Response
from vendo._transports.dialing import dial
from vendo._transports.routes import parts_of
from vendo._transports.tls import shared_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from typing import Any

    from vendo._protocol.steps import Request
    from vendo._transports.routes import Route

#: Methods whose requests have a Content-Length even without a body.
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})


class Connection:
    """A connection that sends one request after the other, each within its own deadline.

    `http.client` opens it and reads the responses. Requests are written here, since the beginning
    of a request is the same each time.
    """

    def __init__(self, route: Route, ssl_context: ssl.SSLContext | None) -> None:
        scheme, host, port, proxy = route
        self.idle_since = 0.0
        #: True from the first byte of a response. After it nothing is sent again.
        self.is_responding = False
        self.reusable = False
        self._deadline = 0.0
        target = (proxy.host, proxy.port) if proxy else (host, port)
        if scheme == "https":
            self._http: HTTPConnection = HTTPSConnection(
                *target, context=ssl_context or shared_context()
            )
        else:
            self._http = HTTPConnection(*target)
        if proxy:
            self._http.set_tunnel(host, port, headers=dict(proxy.headers))
        self._http._create_connection = self._dial  # type: ignore[attr-defined]  # see `dial`
        self._http.response_class = self._response_on  # type: ignore[assignment]  # a proxy's

    def open(self, deadline: float) -> None:
        self._deadline = deadline  # the response of a proxy is read while connecting
        self._http.timeout = self.remaining(deadline)
        self._http.connect()

    def _dial(self, address: tuple[str, int], *_: object) -> socket.socket:
        return dial(*address, lambda: self.remaining(self._deadline))

    def _response_on(self, sock: socket.socket, method: str | None = None) -> HTTPResponse:
        return HTTPResponse(_Incoming(sock, self), method=method)  # type: ignore[arg-type]  # it calls `makefile` alone

    def exchange(self, request: Request, deadline: float) -> Response:
        """Send a request and read its response."""
        response = self.start(request, deadline)
        try:
            body = _read_body(response, request.max_bytes)
            self.reusable = response.isclosed() and not response.will_close
        finally:
            response.close()
        return Response(response.status, headers_of(response), body)

    def start(self, request: Request, deadline: float) -> HTTPResponse:
        """Send a request and read the head of its response."""
        self._deadline = deadline
        self.is_responding = self.reusable = False
        sock = self._http.sock
        sock.settimeout(self.remaining(deadline))
        sock.sendall(_message(request))
        response = self._response_on(sock, request.method)
        response.begin()
        self.is_responding = True
        return response

    def set_deadline(self, deadline: float) -> None:
        self._deadline = deadline

    @property
    def sock(self) -> socket.socket | None:
        return self._http.sock

    @property
    def is_open(self) -> bool:
        return self._http.sock is not None

    @staticmethod
    def remaining(deadline: float) -> float:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        return remaining

    def is_alive(self) -> bool:
        """False if the server closed the idle connection, or sent something unexpected."""
        sock = self._http.sock
        if sock is None:
            return False
        if not _has_input(sock):
            return True
        sock.settimeout(0)
        try:
            sock.recv(1)
        except (BlockingIOError, SSLWantReadError):
            return True  # a message of TLS itself
        except OSError:
            return False
        return False  # closed, or unexpected bytes

    def close(self) -> None:
        self._http.close()


def _has_input(sock: socket.socket) -> bool:
    """False if certainly nothing has come. It spares most calls an exception."""
    if not hasattr(select, "poll") or (isinstance(sock, SSLSocket) and sock.pending()):
        return True  # on Windows, only a read shows it
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class _Incoming(io.RawIOBase):
    """The incoming bytes of a socket. Each read checks the deadline of the connection.

    The time-out of a socket restarts with each byte: a server that sends one byte a second would
    be read for ever.
    """

    def __init__(self, sock: socket.socket, connection: Connection) -> None:
        self._sock = sock
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the file that `http.client` reads the response from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        connection = self._connection
        self._sock.settimeout(connection.remaining(connection._deadline))
        return self._sock.recv_into(buffer)


class _Recorder(HTTPConnection):
    """Keeps what it is given to send."""

    sent = b""

    def send(self, data: Any) -> None:
        self.sent += data


@lru_cache(maxsize=128)
def _opening(method: str, url: str, names_encodings: bool) -> bytes:
    """Return the request line and the Host header, as `http.client` writes and checks them.

    Without an `Accept-Encoding`, it requests `identity`: nothing is decoded here.
    """
    scheme, host, port, target = parts_of(url)
    recorder = _Recorder(host, port)
    recorder.default_port = 443 if scheme == "https" else 80
    recorder.putrequest(method, target, skip_accept_encoding=names_encodings)
    recorder.endheaders()
    return recorder.sent.removesuffix(b"\r\n")


def _message(request: Request) -> bytes:
    """Return the bytes of a request.

    Raises:
        ValueError: a header contains a line break, or another character that is not allowed.
    """
    headers, body = request.headers, request.body
    fields = Secret("".join([f"{name}: {value}\r\n" for name, value in headers.items()]))
    if not fields.count("\r") == fields.count("\n") == len(headers):
        raise ValueError("a line break inside a header")
    length = b""
    if body is not None or request.method in _WITH_BODY:
        length = b"Content-Length: %d\r\n" % len(body or b"")
    opening = _opening(request.method, request.url, "Accept-Encoding" in headers)
    return b"".join((opening, length, fields.encode("latin-1"), b"\r\n", body or b""))


def headers_of(response: HTTPResponse) -> dict[str, str]:
    """Return the headers of a response with lower-case names."""
    # `getheaders()` is slow: it checks each header for what no response contains.
    return {name.lower(): value for name, value in response.headers.raw_items()}


def _read_body(response: HTTPResponse, max_bytes: int) -> bytes:
    if response.length is not None:
        if response.length > max_bytes:
            raise too_large()
        return response.read()  # raises IncompleteRead if it is cut off
    body = bytearray()
    while chunk := response.read(64 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise too_large()
    return bytes(body)
