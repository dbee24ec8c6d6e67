"""The blocking transport: kept connections of `http.client`, shared by threads.

Every failure is raised as an `UpstreamError`. It has no lock: a signal handler may call it while
its own thread is in the middle of a call.
"""

from __future__ import annotations

import weakref
from collections import deque
from http.client import HTTPException

from vendo._protocol.moments import Moment, elapsed
from vendo._transports.connection import Connection, connection_class
from vendo._transports.errors import unreachable
from vendo._transports.fork import notice, on_fork
from vendo._transports.routes import route_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from vendo._protocol.steps import Request, Response
    from vendo._transports.routes import Route

#: Seconds after which an idle connection is closed. Load balancers drop silent ones.
MAX_IDLE_SECONDS = 60.0
MAX_IDLE_CONNECTIONS = 64
#: The share of the time-out for the first byte on a kept connection. A connection may have died
#: without a sign: then there is time left for a new one.
FIRST_BYTE_SHARE = 1 / 3


class BlockingTransport:
    """Sends requests over kept connections. Safe to share by threads.

    Args:
        ssl_context: for a certificate authority of your own; the system's trust store by default.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context
        self._reset()
        on_fork(self, BlockingTransport._after_fork)

    def _reset(self) -> None:
        self._idle: dict[Route, deque[Connection]] = {}
        # A program does not close its default client. That must not warn of open sockets.
        self._at_exit = weakref.finalize(self, _close_all, self._idle)

    def _after_fork(self) -> None:
        # The parent continues to use these connections. Here only this process's copy is closed.
        self._at_exit()
        self._reset()

    def __repr__(self) -> str:
        return f"<BlockingTransport, {sum(map(len, self._idle.values()))} kept connections>"

    def send(self, request: Request) -> Response:
        """Return the whole response.

        Raises:
            UpstreamTimeout: not complete within `request.timeout` seconds.
            UpstreamConnectionError: no connection, or a broken one.
            UpstreamError: too large, cut off, or not HTTP.
        """
        notice()
        deadline = elapsed() + request.timeout
        route = route_of(request.url)
        kept = self._take(route)
        if kept is not None and request.method != "GET":
            # It may have died without a sign, and a write is not sent twice within an attempt.
            kept.close()
            kept = None
        while True:
            first_byte_by = None
            if kept is not None:
                first_byte_by = elapsed() + request.timeout * FIRST_BYTE_SHARE
            connection = Connection(route, self._ssl_context) if kept is None else kept
            try:
                response = connection.exchange(request, deadline, first_byte_by)
            except (OSError, HTTPException, ValueError) as problem:
                connection.close()
                if kept is not None and not connection.is_responding and elapsed() < deadline:
                    kept = None  # the server closed it, or it died without a sign: take a new one
                    continue
                failure = unreachable(request.url, problem)
            except BaseException:
                connection.close()
                raise
            else:
                self._give_back(route, connection)
                return response
            # Outside the handler: the problem may contain a part of a response, and would be the
            # `__context__` of this one.
            raise failure

    def connection(self, route: Route) -> Connection:
        """Return a new connection, not opened yet."""
        return Connection(route, self._ssl_context)

    def close(self) -> None:
        """Close the kept connections. The transport can be used again."""
        notice()
        _close_all(self._idle)

    def _take(self, route: Route) -> Connection | None:
        for connection in _popped(self._idle.get(route)):
            since = connection.idle_since
            is_recent = since is not None and since.age() < MAX_IDLE_SECONDS
            # A tool may have replaced the class of `http.client` since, to see all requests.
            if (
                is_recent
                and connection.made_by is connection_class(route[0])
                and connection.is_alive()
            ):
                return connection
            connection.close()
        return None

    def _give_back(self, route: Route, connection: Connection) -> None:
        if not connection.reusable:
            connection.close()
            return
        connection.idle_since = Moment()
        idle = self._idle.setdefault(route, deque())
        idle.append(connection)
        if len(idle) > MAX_IDLE_CONNECTIONS:
            try:
                idle.popleft().close()
            except IndexError:  # other threads took them all
                pass


def _close_all(idle: dict[Route, deque[Connection]]) -> None:
    for connections in list(idle.values()):
        for connection in _popped(connections):
            connection.close()


def _popped(connections: deque[Connection] | None) -> Iterator[Connection]:
    """Take the connections one by one, the last one first, until other threads have the rest."""
    while connections:
        try:
            connection = connections.pop()
        except IndexError:
            return
        yield connection
