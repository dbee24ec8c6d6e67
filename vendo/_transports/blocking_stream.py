"""A response that is read piece by piece, on the blocking transport."""

from __future__ import annotations

from _thread import allocate_lock
from http.client import HTTPException

from vendo._protocol.moments import elapsed
from vendo._protocol.steps import Head
from vendo._transports.connection import headers_of
from vendo._transports.errors import unreachable
from vendo._transports.fork import notice, on_fork
from vendo._transports.routes import route_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPResponse

    from vendo._protocol.steps import Request
    from vendo._transports.blocking import BlockingTransport

_CHUNK = 64 * 1024


class BlockingStream:
    """One response on a connection of its own.

    `open` it, then `read` it in one thread. `close` may be called from any thread, and from a
    signal handler of the thread that opens or reads.
    """

    def __init__(self, transport: BlockingTransport, request: Request) -> None:
        notice()
        self._request = request
        self._connection = transport.connection(route_of(request.url))
        self._response: HTTPResponse | None = None
        #: Held while the connection is used. Only its holder closes it, so that the number of its
        #: socket is not given to another one meanwhile.
        self._in_use = allocate_lock()
        self._is_closed = False
        #: True in a forked child: the parent continues to read from the connection.
        self._is_lost = False
        on_fork(self, BlockingStream._after_fork)

    def _after_fork(self) -> None:
        # No lock is taken, since a thread of the parent may have held it.
        self._is_lost = True
        self._in_use = allocate_lock()
        self._connection.abandon()

    def open(self) -> Head:
        """Send the request, and return the head of its response.

        Raises:
            UpstreamError: there is none within the time-out of the request.
        """
        request = self._request
        try:
            with self._in_use:
                deadline = elapsed() + request.timeout
                response = self._response = self._connection.start(request, deadline)
                return Head(response.status, headers_of(response))
        except (OSError, HTTPException, ValueError) as problem:
            self._is_closed = True
            failure = unreachable(request.url, problem)
        except BaseException:
            self._is_closed = True
            raise
        finally:
            self._close_if_unused()
        raise failure  # outside the handler, as in `BlockingTransport.send`

    def read(self, timeout: float) -> bytes:
        """Return the next piece, at least a byte; empty at the end.

        Raises:
            UpstreamError: nothing came within `timeout` seconds, or the connection broke.
        """
        notice()
        try:
            with self._in_use:
                if self._is_lost or self._is_closed or self._response is None:
                    return b""
                self._connection.set_deadline(elapsed() + timeout)
                return self._response.read1(_CHUNK)
        except (OSError, HTTPException, ValueError) as problem:
            failure = unreachable(self._request.url, problem)
        finally:
            self._close_if_unused()
        raise failure

    def close(self) -> None:
        """Close the connection. An `open` or a `read` that waits ends immediately."""
        notice()
        if self._is_lost:
            return
        self._is_closed = True
        self._connection.cancel()
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        """Close the connection, unless it is in use: then its user does this afterwards."""
        if self._is_closed and self._in_use.acquire(blocking=False):
            try:
                if self._response is not None:
                    self._response.close()
                self._connection.close()
            finally:
                self._in_use.release()

    def __del__(self) -> None:
        # A closed loop drops the result that a thread has just delivered.
        if hasattr(self, "_is_lost"):
            self.close()
