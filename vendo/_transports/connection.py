"""One connection of `http.client`, with a deadline that holds, and one response to a request.

`http.client` opens it, and writes and reads on it. Its classes are looked up at use, so that tools
that replace or patch them see the calls of this library, and see no more of them afterwards.
"""

from __future__ import annotations

import http.client
import io
import select
import socket

from vendo._protocol.decoding import malformed, too_large
from vendo._protocol.moments import Moment, elapsed
from vendo._protocol.steps import Response
from vendo._transports.dialing import dial
from vendo._transports.routes import parts_of
from vendo._transports.tls import shared_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any

    from vendo._protocol.steps import Request
    from vendo._transports.routes import Route

_SWITCHING_PROTOCOLS = 101


def connection_class(scheme: str) -> type[http.client.HTTPConnection]:
    """Return the class of `http.client` that a tool may have replaced."""
    return http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection


class Connection:
    """A connection that sends one request after the other, each within its own deadline."""

    def __init__(self, route: Route, ssl_context: ssl.SSLContext | None) -> None:
        scheme, host, port, proxy = route
        self.made_by = connection_class(scheme)
        self.idle_since: Moment | None = None
        #: True from the first byte of a response. After it nothing is sent again.
        self.is_responding = False
        self.reusable = False
        self._is_cancelled = False
        self._incoming: _Incoming | None = None
        #: Readings of `elapsed`: for the first byte of the response, and for all of it.
        self._first_byte_by = self._deadline = 0.0
        target = (proxy.host, proxy.port) if proxy else (host, port)
        if scheme == "https":
            context = ssl_context or shared_context()
            self._http = self.made_by(*target, context=context)  # type: ignore[call-arg]  # https has it
        else:
            self._http = self.made_by(*target)
        if proxy:
            self._http.set_tunnel(host, port, headers=dict(proxy.headers))
        # Without this private name, the time-out restarts with each address of the host.
        self._http._create_connection = self._dial  # type: ignore[attr-defined]
        self._http.response_class = self._response_on  # type: ignore[assignment]  # a proxy's too

    def exchange(
        self, request: Request, deadline: float, first_byte_by: float | None = None
    ) -> Response:
        """Send a request and read its response, until the deadline at most.

        Args:
            request: the request.
            deadline: a reading of `elapsed`.
            first_byte_by: an earlier deadline for the first byte of the response.
        """
        response = self.start(request, deadline, first_byte_by)
        try:
            headers = headers_of(response)
            is_framed = _is_framed(response, headers)
            body = _read_body(response, request.max_bytes)
            self.reusable = (
                is_framed
                and response.isclosed()
                and not response.will_close
                and self._incoming is not None
                and self._incoming.is_read_up()
            )
        finally:
            response.close()
        return Response(response.status, headers, body)

    def start(
        self, request: Request, deadline: float, first_byte_by: float | None = None
    ) -> http.client.HTTPResponse:
        """Send a request and read the head of its response."""
        self.set_deadline(deadline)
        if first_byte_by is not None:
            self._first_byte_by = first_byte_by
        self.is_responding = self.reusable = False
        self._http.timeout = remaining = self.remaining()
        if self._http.sock is not None:
            self._http.sock.settimeout(remaining)
        target = parts_of(request.url)[3]
        self._http.request(request.method, target, request.body, request.headers)
        return self._http.getresponse()

    def set_deadline(self, deadline: float) -> None:
        self._first_byte_by = self._deadline = deadline

    def remaining(self) -> float:
        """Return the seconds until the deadline that comes next.

        Raises:
            TimeoutError: it is over.
            ConnectionAbortedError: the connection was cancelled.
        """
        if self._is_cancelled:
            raise ConnectionAbortedError("closed")
        deadline = self._deadline if self.is_responding else self._first_byte_by
        remaining = deadline - elapsed()
        if remaining <= 0:
            raise TimeoutError("timed out")
        return remaining

    @property
    def sock(self) -> socket.socket | None:
        """The socket; None before it is open, and for one that a tool fakes."""
        sock = self._http.sock if self._incoming is None else self._incoming.sock
        return sock if isinstance(sock, socket.socket) else None

    def _dial(self, address: tuple[str, int], *_: object) -> socket.socket:
        sock = dial(*address, self.remaining)
        try:
            sock.settimeout(self.remaining())
        except BaseException:
            sock.close()
            raise
        return sock

    def _response_on(
        self, sock: socket.socket, *_: object, method: str | None = None
    ) -> http.client.HTTPResponse:
        if self._incoming is None or self._incoming.sock is not sock:
            self._incoming = _Incoming(sock, self)
        return _Response(self._incoming, method=method)  # type: ignore[arg-type]  # it calls `makefile` alone

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
        except BlockingIOError:
            return True
        except OSError as error:
            return type(error).__name__ == "SSLWantReadError"  # a message of TLS itself
        return False  # closed, or unexpected bytes

    def cancel(self) -> None:
        """End what another thread, or this one below a signal handler, does on the connection."""
        self._is_cancelled = True
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(2)  # both ways
            except OSError:
                pass  # the server closed it

    def close(self) -> None:
        self._http.close()
        if self._incoming is not None:
            self._incoming.close_file()

    def abandon(self) -> None:
        """Close this process's copy of the socket, without a message to the server."""
        import os

        sock = self.sock
        number = -1 if sock is None else sock.detach()
        if number >= 0:  # it was not closed before
            os.close(number)


def _has_input(sock: socket.socket) -> bool:
    """False if certainly nothing has come. It spares most calls an exception."""
    pending = getattr(sock, "pending", None)  # of TLS
    if not hasattr(select, "poll") or (pending is not None and pending()):
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
        self.sock = sock
        self._connection = connection
        #: It keeps the socket open when `http.client` closes its own reference to it.
        self._file = sock.makefile("rb", buffering=0)
        self._reader = _Reader(self)
        self._is_waiting = True

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the file that `http.client` reads a response from, the same for all responses."""
        return self._reader

    def is_read_up(self) -> bool:
        """True if nothing has been received after the response."""
        self._is_waiting = False
        try:
            return not self._reader.peek(1)
        finally:
            self._is_waiting = True

    def close_file(self) -> None:
        self._file.close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._is_waiting:
            return None
        connection = self._connection
        self.sock.settimeout(connection.remaining())
        size = self.sock.recv_into(buffer)
        if size:
            connection.is_responding = True
        return size


class _Reader(io.BufferedReader):
    """What has been received and not read. It stays open over the responses of a connection."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line of a response's head, or of a chunk's.

        Raises:
            RemoteDisconnected: the connection ended inside the line. `http.client` would take what
                came for the whole line, and the end for the end of the headers.
        """
        line = super().readline(size)
        if line[-1:] != b"\n" and len(line) != size:
            raise http.client.RemoteDisconnected("the response is cut off")
        return line

    def flush(self) -> None:
        """Do nothing: a response flushes its file, also after the end of the connection."""

    def close(self) -> None:
        """Do nothing: each response closes its file."""


class _Response(http.client.HTTPResponse):
    """A response, without the interim ones that come before it."""

    def begin(self) -> None:
        """Read the head of the final response. `http.client` itself skips only a 100."""
        super().begin()
        while self.status < 200 and self.status != _SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # so that it reads another head
            super().begin()
        if self.status == _SWITCHING_PROTOCOLS:
            self.will_close = True


def headers_of(response: http.client.HTTPResponse) -> dict[str, str]:
    """Return the headers of a response with lower-case names."""
    # `getheaders()` is slow: it checks each header for what no response contains.
    return {name.lower(): value for name, value in response.headers.raw_items()}


def _is_framed(response: http.client.HTTPResponse, headers: dict[str, str]) -> bool:
    """True if all readers of this response see the same end of it.

    Raises:
        UpstreamError: its length is malformed, or contradicts itself.
    """
    length, encoding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None:
        length = length.strip()
        if not (length.isascii() and length.isdigit()):
            raise malformed("has a Content-Length that is not a number")
    if encoding is not None and encoding.strip().lower() != "chunked":
        raise malformed("has a Transfer-Encoding other than chunked")
    if len(headers) != len(response.headers):  # a header comes twice
        for name in ("content-length", "transfer-encoding"):
            if len(set(response.headers.get_all(name, ()))) > 1:
                raise malformed(f"has more than one {name}")
    return length is None or encoding is None


def _read_body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    if isinstance(response.length, int):
        if response.length > max_bytes:
            raise too_large()
        return response.read()  # raises IncompleteRead if it is cut off
    body = bytearray()
    while chunk := response.read(64 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise too_large()
    return bytes(body)
