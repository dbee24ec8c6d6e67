"""A socket to a host of several addresses, within one deadline."""

from __future__ import annotations

import os
import selectors
import socket

from vendo._protocol.moments import elapsed
from vendo._transports.resolving import SLICE, resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo._transports.resolving import Addresses

#: Seconds until the next address is tried, while the ones before it have not responded.
_HEAD_START = 0.25


def dial(host: str, port: int, remaining: Callable[[], float]) -> socket.socket:
    """Open a socket to a host, on the address that accepts first.

    An address that drops packets delays the next one by a quarter of a second ("Happy Eyeballs",
    RFC 8305). `remaining()` returns the seconds that all addresses share, or raises.

    Raises:
        OSError: no address accepts; the error of the last one.
    """
    addresses = resolve(host, port, remaining)
    if not addresses:
        raise OSError("the host has no address")
    race = _Race(addresses)
    winner = None
    try:
        while winner is None:
            winner = race.next(remaining())
    finally:
        race.close(winner)
    winner.setblocking(True)
    return winner


class _Race:
    """Connections to all addresses of a host, begun one after the other."""

    def __init__(self, addresses: Addresses) -> None:
        self._left = list(addresses)
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._begin_next_at = 0.0
        self._failure = OSError("the host has no address")

    def next(self, remaining: float) -> socket.socket | None:
        """Return the first socket that is connected; None if none is yet.

        Raises:
            OSError: all addresses have failed.
        """
        while self._left and (not self._selector.get_map() or elapsed() >= self._begin_next_at):
            winner = self._begin(*self._left.pop(0))
            if winner is not None:
                return winner
        if not self._selector.get_map():
            raise self._failure
        wait = min(remaining, SLICE)
        if self._left:
            wait = min(wait, max(self._begin_next_at - elapsed(), 0.0))
        for key, _ in self._selector.select(wait):
            sock: socket.socket = key.fileobj  # type: ignore[assignment]  # only sockets are registered
            self._selector.unregister(sock)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not number:
                return sock
            self._fail(sock, OSError(number, os.strerror(number)))
        return None

    def _begin(
        self, family: int, kind: int, protocol: int, _name: str, address: tuple[object, ...]
    ) -> socket.socket | None:
        self._begin_next_at = elapsed() + _HEAD_START
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # such as no IPv6
            self._failure = error
            return None
        self._sockets.append(sock)  # an interrupt may come any time
        sock.setblocking(False)
        try:
            sock.connect(address)
        except BlockingIOError:
            self._selector.register(sock, selectors.EVENT_WRITE)
            return None
        except OSError as error:
            self._fail(sock, error)
            return None
        return sock

    def _fail(self, sock: socket.socket, error: OSError) -> None:
        sock.close()
        self._failure = error

    def close(self, winner: socket.socket | None) -> None:
        """Close the sockets that did not win."""
        for sock in self._sockets:
            if sock is not winner:
                sock.close()
        self._selector.close()
