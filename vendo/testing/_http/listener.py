"""Listen on loopback with the standard library's `socketserver`, a thread for each connection."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from socketserver import ThreadingTCPServer
from typing import Any

from vendo._transports.fork import on_fork
from vendo.testing._http.wire import shut_down

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

HOST = "127.0.0.1"
#: Seconds that `close` waits for the threads of the connections that it has ended.
_PATIENCE = 5.0


class Listener(ThreadingTCPServer):
    """Accept connections and run `serve(sock)` for each, in a daemon thread.

    It is not a `ThreadingHTTPServer`, which asks the DNS for the name of its address.
    """

    request_queue_size = 512
    allow_reuse_address = os.name == "posix"
    timeout = 0.5  # seconds until `close` is noticed where its connection cannot be made

    def __init__(
        self,
        serve: Callable[[socket.socket], object],
        port: int,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        super().__init__((HOST, port), None)  # type: ignore[arg-type]  # `finish_request` serves
        self._serve = serve
        self._ssl_context = ssl_context
        #: The threads of connections, and their sockets until they are closed.
        self._serving: dict[threading.Thread, socket.socket | None] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.port: int = self.server_address[1]
        self._acceptor = threading.Thread(
            target=self._accept, name=f"LocalVendo:{self.port}", daemon=True
        )
        self._acceptor.start()
        on_fork(self, Listener._after_fork)

    def close(self) -> None:
        """Stop accepting, end every connection, and wait for the threads."""
        self._closing.set()
        # Wake the acceptor: `shutdown()` would wait for the next poll of `serve_forever()`.
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, self.port), _PATIENCE).close()
        self._acceptor.join(_PATIENCE)
        with self._lock:
            for sock in self._serving.values():
                if sock is not None:
                    shut_down(sock)
        deadline = time.monotonic() + _PATIENCE
        for thread in self._serving.keys() - {threading.current_thread()}:
            thread.join(max(deadline - time.monotonic(), 0.0))
        self.server_close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            self.handle_request()

    def _after_fork(self) -> None:
        # The child has copies of the sockets but not the threads. Left open, they would keep
        # the port alive and the clients waiting after the parent has closed its own.
        self._lock = threading.Lock()
        self.socket.close()
        for sock in self._serving.values():
            if sock is not None and sock.fileno() >= 0:
                socket.close(sock.detach())  # `close` would wait for its reader

    # What `handle_request` calls

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        try:
            sock, address = super().get_request()
        except OSError:  # no file descriptor left: wait until one becomes free
            self._closing.wait(0.05)
            raise
        if self._ssl_context is not None:
            # Wrapped before the handshake, so that `close` can end a handshake that hangs.
            sock = self._ssl_context.wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False
            )
        return sock, address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Drop the connection that `close` makes."""
        return not self._closing.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"LocalVendo:{self.port}:conn",
            daemon=True,
        )
        with self._lock:
            self._serving = {each: sock for each, sock in self._serving.items() if each.is_alive()}
            thread.start()
            self._serving[thread] = request

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Serve a connection, in its thread."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._ssl_context is not None:
            request.do_handshake()
        self._serve(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback, except where the client has left or `close` has been called."""
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handle_error(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection. An orderly shutdown would undo a fault's TCP reset."""
        with self._lock:
            if threading.current_thread() in self._serving:
                self._serving[threading.current_thread()] = None
        request.close()
