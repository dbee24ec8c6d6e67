"""An answer that is read piece by piece as it comes, on the blocking transport."""

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
    """One open answer on a connection of its own. `close` may be called from any thread."""

    def __init__(self, transport: BlockingTransport, request: Request) -> None:
        self._url = request.url
        #: Held while the socket is read: it is not to be closed, and its number given to another
        #: one, under the reader's hands.
        self._reading = Lock()
        #: A forked child's copy: the connection is the parent's, who goes on reading from it.
        self._is_lost = False
        deadline = time.monotonic() + request.timeout
        self._connection = transport.connection(route_of(request.url))
        try:
            self._connection.open(deadline)
            self._sock = self._connection.sock
            self._answer = self._connection.start(request, deadline)
        except (OSError, HTTPException, ValueError) as problem:
            self._connection.close()
            failure = unreachable(self._url, problem)
        except BaseException:
            self._connection.close()
            raise
        else:
            self.head = Head(self._answer.status, headers_of(self._answer))
            on_fork(self, BlockingStream._after_fork)
            return
        raise failure  # outside the handler, as in `BlockingTransport.send`

    def _after_fork(self) -> None:
        # Only this process's copy of the socket is given up: nothing is said to the other side,
        # and no lock is taken, since a thread of the parent's may have held it.
        self._is_lost = True
        self._reading = Lock()
        number = -1 if self._sock is None else self._sock.detach()
        if number >= 0:  # it was not closed before
            os.close(number)

    def read(self, timeout: float) -> bytes:
        """What has come, at least a byte; empty at the end. Waits `timeout` seconds at most.

        Raises:
            UpstreamError: nothing came, or the connection broke.
        """
        with self._reading:
            if self._is_lost:
                return b""
            self._connection.set_deadline(time.monotonic() + timeout)
            try:
                return self._answer.read1(_CHUNK)
            except (OSError, HTTPException, ValueError) as problem:
                failure = unreachable(self._url, problem)
        raise failure

    def close(self) -> None:
        """Close the connection. A `read` that waits in another thread ends at once."""
        if self._is_lost:
            return
        sock = self._sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was first
        with self._reading:
            self._answer.close()
            self._connection.close()

    def __del__(self) -> None:
        # A loop that is closed forgets the outcome that a thread has just handed to it.
        if hasattr(self, "head"):
            self.close()
