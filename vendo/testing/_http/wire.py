"""Write a response to a socket, with the damage that a fault does to its body."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Event

_NO_LINGER = struct.pack("ii", 1, 0)


class CutOff(Exception):
    """Close the connection now, in the middle of an exchange."""


@dataclass(frozen=True, slots=True)
class BodyDamage:
    """How a fault damages a body.

    Attributes:
        limit: bytes after which the connection ends, or None.
        reset: end it with a TCP reset.
        drip: seconds of pause after each byte.
    """

    limit: int | None
    reset: bool
    drip: float


class Wire:
    """Send one response."""

    __slots__ = ("_damage", "_ended", "_sent", "sock")

    def __init__(self, sock: socket.socket, damage: BodyDamage | None, ended: Event) -> None:
        self.sock = sock
        self._damage = damage
        self._ended = ended
        self._sent = 0

    def send_response(self, head: bytes, body: bytes) -> None:
        """Send head and body, in one piece if the body is not damaged."""
        if self._damage is None:
            self.sock.sendall(head + body)
            return
        self.sock.sendall(head)
        self.send(body)

    def send(self, data: bytes, *, chunked: bool = False) -> None:
        """Send a piece of the body, as an HTTP chunk if the response has no length.

        Raises:
            CutOff: the fault ends the body here.
        """
        damage = self._damage
        if damage is None:
            self.sock.sendall(_chunk(data) if chunked else data)
            return
        if damage.limit is not None:
            data = data[: max(damage.limit - self._sent, 0)]
        self._sent += len(data)
        step = 1 if damage.drip else max(len(data), 1)
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            self.sock.sendall(_chunk(piece) if chunked else piece)
            if damage.drip and self._ended.wait(damage.drip):
                raise CutOff
        if damage.limit is not None and self._sent >= damage.limit:
            if damage.reset:
                reset_on_close(self.sock)
            raise CutOff


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def reset_on_close(sock: socket.socket) -> None:
    """Make `close` send a TCP reset in place of an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def shut_down(sock: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    """End one or both directions, which wakes a thread that reads or writes there."""
    try:
        # Not the TLS socket's own method: it would drop the TLS state that the thread still uses.
        socket.socket.shutdown(sock, how)
    except OSError:
        return  # already ended
