"""A socket to a host of several addresses, within one deadline."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def dial(host: str, port: int, remaining: Callable[[], float]) -> socket.socket:
    """Open a socket to a host, on the first of its addresses that accepts.

    `socket.create_connection` restarts its time-out with each address: a host of four addresses,
    behind a network that drops packets, would take four times the time-out. Here the addresses
    share the seconds that `remaining()` returns.

    Raises:
        OSError: no address accepts; the error of the last one.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError("the host has no address")
    for left, (*_, address) in zip(range(len(found), 0, -1), found, strict=True):
        try:
            return socket.create_connection((str(address[0]), port), max(remaining() / left, 0.001))
        except OSError as problem:
            failure = problem
    raise failure
