"""The way of bytes between the server's threads and its clients, and what a fault does to them."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

    from vendo.testing._faults import Fault

_NO_LINGER = struct.pack("ii", 1, 0)


class CutOff(Exception):
    """The connection is to end now, and not in the way HTTP foresees."""


class Wire:
    """How one answer goes out."""

    __slots__ = ("_ended", "_fault", "_sent", "sock")

    def __init__(self, sock: socket.socket, fault: Fault | None, ended: Event) -> None:
        self.sock = sock
        self._fault = fault
        self._ended = ended
        self._sent = 0

    def answer(self, head: bytes, body: bytes) -> None:
        """Send a whole answer, in one piece where nothing is done to it."""
        fault = self._fault
        if fault is None or not fault.harms_the_body:
            self.sock.sendall(head + body)
            return
        self.sock.sendall(head)
        self.send(body)

    def send(self, data: bytes, *, chunked: bool = False) -> None:
        """Send a piece of the body, as an HTTP chunk where it has no length of its own.

        Raises:
            CutOff: the fault says that the body ends here.
        """
        fault = self._fault
        if fault is None:
            self.sock.sendall(_chunk(data) if chunked else data)
            return
        limit = fault.reset_after if fault.truncate is None else fault.truncate
        if limit is not None:
            data = data[: max(limit - self._sent, 0)]
        self._sent += len(data)
        step = 1 if fault.drip else max(len(data), 1)
        for begin in range(0, len(data), step):
            piece = data[begin : begin + step]
            self.sock.sendall(_chunk(piece) if chunked else piece)
            if fault.drip and self._ended.wait(fault.drip):
                raise CutOff
        if limit is not None and self._sent >= limit:
            if fault.truncate is None:
                reset_on_close(self.sock)
            raise CutOff


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def reset_on_close(sock: socket.socket) -> None:
    """Make `close` send a TCP reset in place of an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def shut_down(sock: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    """End a direction or both, which wakes a thread that reads or writes there."""
    try:
        # Not the TLS socket's own: it would take the TLS state from under that thread.
        socket.socket.shutdown(sock, how)
    except OSError:
        return  # ended already
