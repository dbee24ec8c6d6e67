"""A socket to a host of several addresses, within one deadline."""

from __future__ import annotations

import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def dialled(host: str, port: int, remaining: Callable[[], float]) -> socket.socket:
    """A socket to a host, on the first of its addresses that takes one.

    `socket.create_connection` begins its time-out anew with each address: a host of four, behind
    a network that swallows packets, would be waited for four times as long as was asked. Here
    they share what `remaining()` gives (seconds), so that none takes the whole from the others.

    Raises:
        OSError: none takes one; that of the last address.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError("the host has no address")
    for left, (*_, address) in zip(range(len(found), 0, -1), found, strict=True):
        try:
            return socket.create_connection((str(address[0]), port), max(remaining() / left, 0.001))
        except OSError as problem:
            failure = problem
    raise failure
