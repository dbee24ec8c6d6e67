"""A response that is read piece by piece, on the blocking transport."""

from __future__ import annotations

import os
import socket
import time
from http.client import HTTPException
from threading import Lock

from vendo._protocol.steps import Head
from vendo._transports.connection import headers_of
from vendo._transports.errors import unreachable
from vendo._transports.fork import on_fork
from vendo._transports.routes import route_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.steps import Request
    from vendo._transports.blocking import BlockingTransport

_CHUNK = 64 * 1024


class BlockingStream:
    """One open response on a connection of its own. `close` may be called from any thread."""

    def __init__(self, transport: BlockingTransport, request: Request) -> None:
        self._url = request.url
        #: Held while the socket is read, so that it is not closed, and its number not given to
        #: another socket, during the read.
        self._reading = Lock()
        #: True in a forked child: the parent continues to read from the connection.
        self._is_lost = False
        deadline = time.monotonic() + request.timeout
        self._connection = transport.connection(route_of(request.url))
        try:
            self._connection.open(deadline)
            self._sock = self._connection.sock
            self._response = self._connection.start(request, deadline)
        except (OSError, HTTPException, ValueError) as problem:
            self._connection.close()
            failure = unreachable(self._url, problem)
        except BaseException:
            self._connection.close()
            raise
        else:
            self.head = Head(self._response.status, headers_of(self._response))
            on_fork(self, BlockingStream._after_fork)
            return
        raise failure  # outside the handler, as in `BlockingTransport.send`

    def _after_fork(self) -> None:
        # Only this process's copy of the socket is closed, without a message to the server. No
        # lock is taken, since a thread of the parent may have held it.
        self._is_lost = True
        self._reading = Lock()
        number = -1 if self._sock is None else self._sock.detach()
        if number >= 0:  # it was not closed before
            os.close(number)

    def read(self, timeout: float) -> bytes:
        """Return the next piece, at least a byte; empty at the end.

        Raises:
            UpstreamError: nothing came within `timeout` seconds, or the connection broke.
        """
        with self._reading:
            if self._is_lost:
                return b""
            self._connection.set_deadline(time.monotonic() + timeout)
            try:
                return self._response.read1(_CHUNK)
            except (OSError, HTTPException, ValueError) as problem:
                failure = unreachable(self._url, problem)
        raise failure

    def close(self) -> None:
        """Close the connection. A `read` that waits in another thread ends immediately."""
        if self._is_lost:
            return
        sock = self._sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the server closed it
        with self._reading:
            self._response.close()
            self._connection.close()

    def __del__(self) -> None:
        # A closed loop drops the result that a thread has just delivered.
        if hasattr(self, "head"):
            self.close()
