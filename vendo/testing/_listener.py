"""A listening socket on loopback, and a thread for each connection to it."""

from __future__ import annotations

import selectors
import socket
import threading
from typing import TYPE_CHECKING

from vendo._transports.fork import on_fork
from vendo.testing._wire import shut_down

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

HOST = "127.0.0.1"
_BACKLOG = 512
#: Seconds that `close` waits for a thread whose connection it has ended.
_PATIENCE = 5.0


class Accepted:
    """One accepted connection and the thread that serves it."""

    __slots__ = ("sock", "thread")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.thread: threading.Thread | None = None


class Listener:
    """Accepts connections and calls `serve(sock)` for each, in a daemon thread of its own."""

    def __init__(
        self,
        serve: Callable[[socket.socket], None],
        port: int,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self._serve = serve
        self._ssl_context = ssl_context
        self._lock = threading.Lock()
        self._connections: set[Accepted] = set()
        self._closing = threading.Event()
        self._sock = socket.create_server((HOST, port), backlog=_BACKLOG)
        self._sock.setblocking(False)
        self.port: int = self._sock.getsockname()[1]
        self._waker, self._wakened = socket.socketpair()
        self._thread = threading.Thread(
            target=self._accept_all, name=f"LocalVendo:{self.port}", daemon=True
        )
        self._thread.start()
        on_fork(self, Listener._after_fork)

    def close(self) -> None:
        """Stop accepting, end every connection, and wait for the threads."""
        self._closing.set()
        self._waker.send(b"x")
        self._thread.join(_PATIENCE)
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            shut_down(connection.sock)
        for connection in connections:
            if (
                connection.thread is not None
                and connection.thread is not threading.current_thread()
            ):
                connection.thread.join(_PATIENCE)
        self._close_sockets()

    def _close_sockets(self) -> None:
        for sock in (self._sock, self._waker, self._wakened):
            sock.close()

    def _after_fork(self) -> None:
        # The child has copies of the sockets and none of the threads: held open, they would keep
        # the port alive and the clients waiting after the parent has closed its own.
        self._lock = threading.Lock()
        self._close_sockets()
        for connection in self._connections:
            if connection.sock.fileno() >= 0:
                socket.close(connection.sock.detach())  # `close` would wait for its reader

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            selector.register(self._wakened, selectors.EVENT_READ)
            while not self._closing.is_set():
                selector.select()
                try:
                    sock, _address = self._sock.accept()
                except BlockingIOError:
                    continue
                except OSError:  # no file descriptor left: one may become free
                    self._closing.wait(0.05)
                    continue
                self._begin(Accepted(sock))

    def _begin(self, connection: Accepted) -> None:
        connection.sock.setblocking(True)
        connection.thread = threading.Thread(
            target=self._run, args=(connection,), name=f"LocalVendo:{self.port}:conn", daemon=True
        )
        with self._lock:
            self._connections.add(connection)
        connection.thread.start()

    def _run(self, connection: Accepted) -> None:
        try:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._ssl_context is not None:
                self._secure(connection, self._ssl_context)
            self._serve(connection.sock)
        except (OSError, ValueError):
            pass  # the client went away, or `close` ended the connection
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.sock.close()

    def _secure(self, connection: Accepted, context: ssl.SSLContext) -> None:
        # Wrapped before the handshake, so that `close` can end a handshake that never does.
        connection.sock = context.wrap_socket(
            connection.sock, server_side=True, do_handshake_on_connect=False
        )
        if self._closing.is_set():
            raise OSError
        connection.sock.do_handshake()
