"""A server that sends given bytes, valid HTTP or not."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    #: Bytes are sent, and the connection is closed after them; `Keep` keeps it open; a function
    #: may do anything with the socket, and the connection is closed when it returns.
    Reply: TypeAlias = "bytes | Keep | Callable[[socket.socket], None]"


class Keep(bytes):
    """Bytes after which the connection stays open for the next request."""


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Build a whole response with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class RawServer:
    """Send the next reply to each request, and the last one to all that follow."""

    def __init__(self, *replies: Reply, backlog: int = 128) -> None:
        self._replies = list(replies)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        #: Set when the server is to end; a reply that waits, waits for this.
        self.ended = threading.Event()
        #: The head of each request, with the body where it came along.
        self.requests: list[bytes] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def addresses(self) -> dict[str, Any]:
        return dict.fromkeys(("base_url", "credentials_url", "data_proxy_url"), self.url)

    def settings(self) -> dict[str, Any]:
        """Return the settings of a client of this server."""
        return {"api_key": "vendo_sk_" + "r" * 32, **self.addresses}

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        cls: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with suppress(OSError):  # the client closed it first
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def drip(self, text: bytes, seconds: float) -> Callable[[socket.socket], None]:
        """Return a reply that sends a byte at a time, and goes on for ever after the text."""

        def reply(sock: socket.socket) -> None:
            left = list(text)
            while not self.ended.wait(seconds):
                sock.sendall(bytes([left.pop(0)]) if left else b"x")

        return reply

    def silence(self, sock: socket.socket) -> None:
        """A reply that sends nothing."""
        self.ended.wait()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(sock)
            self._start(partial(self._serve, sock, self.connections))

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            self._converse(sock, number)
        except OSError:
            pass  # the client has gone
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _converse(self, sock: socket.socket, _number: int) -> None:
        """Serve a connection, the so manieth, until it is to be closed."""
        while (request := self._read(sock)) and self._reply(sock, request):
            pass

    def _read(self, sock: socket.socket) -> bytes:
        request = b""
        while b"\r\n\r\n" not in request:
            data = sock.recv(65536)
            if not data:
                return b""
            request += data
        return request

    def _reply(self, sock: socket.socket, request: bytes) -> bool:
        with self._lock:
            self.requests.append(request)
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if not isinstance(reply, bytes):
            reply(sock)
            return False
        sock.sendall(reply)
        return isinstance(reply, Keep)
