"""A proxy that opens tunnels, with or without a login."""

from __future__ import annotations

import socket
import threading
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING

from support.raw_server import RawServer

if TYPE_CHECKING:
    from typing import Self


class TunnelProxy(RawServer):
    """Open a tunnel to the target of a CONNECT; `user` is the required `name:password`."""

    def __init__(self, user: str | None = None) -> None:
        super().__init__(b"")
        self._user = user
        self._replies = [self._tunnel]
        #: Every byte that went through the tunnels from the client.
        self.seen = bytearray()
        #: The user of each CONNECT.
        self.users: list[str | None] = []

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def _tunnel(self, client: socket.socket) -> None:
        line, *fields = self.requests[-1].decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        assert method == "CONNECT", f"a plain request went through the proxy: {line}"
        headers = dict(field.split(": ", 1) for field in fields if ": " in field)
        given = headers.get("Proxy-Authorization", headers.get("proxy-authorization"))
        user = b64decode(given.removeprefix("Basic ")).decode() if given else None
        self.users.append(user)
        if self._user is not None and user != self._user:
            client.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b"Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
            )
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as upstream:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self._pump, args=(upstream, client, None))
            back.start()
            self._pump(client, upstream, self.seen)
            back.join()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket, seen: bytearray | None) -> None:
        with suppress(OSError):  # either side may close at any time
            while data := source.recv(65536):
                if seen is not None:
                    seen += data
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
