"""Addresses of a host, within a deadline: `getaddrinfo` itself takes as long as it wants."""

from __future__ import annotations

import os
import socket
from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    #: What `socket.getaddrinfo` returns.
    Addresses: TypeAlias = list[tuple[Any, Any, int, str, tuple[Any, ...]]]


class _Lookup:
    """One call of `getaddrinfo` in a thread of its own, for all that wait for it."""

    def __init__(self) -> None:
        #: Held until the call has ended.
        self.running = allocate_lock()
        self.running.acquire()
        self.found: Addresses = []
        self.failure: Exception | None = None

    def run(self, key: tuple[int, str, int]) -> None:
        try:
            self.found = _look_up(*key[1:])
        except UnicodeError:  # a malformed name
            self.failure = OSError("the host has no address (UnicodeError)")
        except Exception as error:  # noqa: BLE001  # an audit hook may raise any
            self.failure = error
        finally:
            _lookups.pop(key, None)
            self.running.release()


#: By process, host and port. A slow resolver holds one thread for each, and not one for each call.
_lookups: dict[tuple[int, str, int], _Lookup] = {}


def resolve(host: str, port: int, remaining: Callable[[], float]) -> Addresses:
    """Return the addresses of a host.

    Args:
        host: a name or an address.
        port: the port.
        remaining: returns the seconds that are left, or raises.

    Raises:
        OSError: the host has none, or they did not arrive in time (`TimeoutError`).
    """
    if ":" in host or host.replace(".", "").isdigit():
        return _look_up(host, port)  # an address: nothing is looked up
    key = (os.getpid(), host, port)
    mine = _Lookup()
    lookup = _lookups.setdefault(key, mine)
    if lookup is mine:
        try:
            start_new_thread(mine.run, (key,))
        except RuntimeError:  # no thread is available
            mine.run(key)
    while not lookup.running.acquire(timeout=min(remaining(), SLICE)):
        pass
    lookup.running.release()
    if lookup.failure is not None:
        raise lookup.failure
    return lookup.found


#: Seconds after which a wait looks whether it was cancelled.
SLICE = 0.25


def _look_up(host: str, port: int) -> Addresses:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
