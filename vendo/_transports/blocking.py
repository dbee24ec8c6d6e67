"""The blocking transport: kept connections of `http.client`, shared by threads.

Every failure is raised as an `UpstreamError`.
"""

from __future__ import annotations

import time
import weakref
from http.client import HTTPException
from threading import Lock

from vendo._transports.connection import Connection
from vendo._transports.errors import unreachable
from vendo._transports.fork import on_fork
from vendo._transports.routes import route_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from vendo._protocol.steps import Request, Response
    from vendo._transports.routes import Route

#: Seconds after which an idle connection is closed. Load balancers drop silent ones.
MAX_IDLE_SECONDS = 60.0
MAX_IDLE_CONNECTIONS = 64


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
        self._lock = Lock()
        self._idle: dict[Route, list[Connection]] = {}
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
        deadline = time.monotonic() + request.timeout
        route = route_of(request.url)
        while True:
            connection = self._take(route) or Connection(route, self._ssl_context)
            kept = connection.is_open
            try:
                if not kept:
                    connection.open(deadline)
                response = connection.exchange(request, deadline)
            except (OSError, HTTPException, ValueError) as problem:
                connection.close()
                if kept and not connection.is_responding and not isinstance(problem, TimeoutError):
                    continue  # the server closed the idle connection: take another one
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
        with self._lock:
            idle = dict(self._idle)
            self._idle.clear()
        _close_all(idle)

    def _take(self, route: Route) -> Connection | None:
        oldest = time.monotonic() - MAX_IDLE_SECONDS
        while True:
            with self._lock:
                idle = self._idle.get(route)
                if not idle:
                    return None
                connection = idle.pop()
            if connection.idle_since > oldest and connection.is_alive():
                return connection
            connection.close()

    def _give_back(self, route: Route, connection: Connection) -> None:
        if not connection.reusable:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        with self._lock:
            idle = self._idle.setdefault(route, [])
            idle.append(connection)
            surplus = idle.pop(0) if len(idle) > MAX_IDLE_CONNECTIONS else None
        if surplus is not None:
            surplus.close()


def _close_all(idle: dict[Route, list[Connection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()
