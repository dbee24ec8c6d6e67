"""The connections of aiohttp, for calls and sessions.

A kept connection is handed out only if nothing has been received on it since its last response. The
next request would take that for its own response.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from contextvars import ContextVar
from functools import partial
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError

from vendo._protocol.moments import Moment
from vendo._transports.blocking import MAX_IDLE_SECONDS
from vendo._transports.threaded import shared
from vendo._transports.tls import shared_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aiohttp import StreamReader
    from aiohttp.abc import ResolveResult
    from aiohttp.connector import Connection


class Attempt:
    """One attempt of a call: which kept connections it may take, and whether it did.

    Args:
        max_idle: seconds; 0 for a new connection.
        first_byte: the time-out that begins when a kept connection is taken.
        seconds: its length.
    """

    def __init__(self, max_idle: float, first_byte: asyncio.Timeout, seconds: float) -> None:
        self.max_idle = max_idle
        self.was_kept = False
        self._first_byte: asyncio.Timeout | None = first_byte
        self._seconds = seconds

    def take_kept(self) -> None:
        self.was_kept = True
        if self._first_byte is not None:
            self._first_byte.reschedule(asyncio.get_running_loop().time() + self._seconds)

    def end(self) -> None:
        """Drop the time-out with its task: the context of a connection keeps this object."""
        self._first_byte = None


#: The attempt of this task, for calls of this library. A session of a provider has none.
attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


class _Protocol(ResponseHandler):
    """The protocol of aiohttp, which notes what is received after the end of a response."""

    is_dirty = False
    #: The body of the final response; None before its head.
    _body: StreamReader | None = None

    def set_response_params(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request."""
        self._body = None
        super().set_response_params(*args, **kwargs)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take the head of a response, and its body."""
        if data[0].code >= 200:  # not an interim one
            self._body = data[1]
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Do as aiohttp does. A response that ends before the last byte is followed by more."""
        if len(data) > 1:
            super().data_received(data[:-1])
        if data and self._body is not None and self._body.is_eof():
            self.is_dirty = True
        super().data_received(data[-1:])

    def close(self) -> None:
        """End the connection at once. TLS would wait for the server, beyond the loop's end."""
        self.abort()

    def set_exception(self, exc: Any, *args: Any) -> None:
        """Do as aiohttp does, and end the body too: its reader would wait for ever."""
        super().set_exception(exc, *args)
        body = self._body
        if isinstance(exc, HttpProcessingError) and body is not None and not body.is_eof():
            body.set_exception(aiohttp.ClientPayloadError("The body is malformed"), *args)


class Connector(aiohttp.TCPConnector):
    """A connector that hands out new connections, and kept ones on which nothing may come."""

    def __init__(self) -> None:
        super().__init__(
            ssl=shared_context(),
            limit=0,
            keepalive_timeout=MAX_IDLE_SECONDS,
            resolver=_Resolver(),
        )
        # There is no public name for it. Without it, each request has a new connection.
        if hasattr(self, "_factory"):
            self._factory = partial(_Protocol, loop=asyncio.get_running_loop())  # type: ignore[assignment]  # the same
        #: When each connection was taken last.
        self._taken: WeakKeyDictionary[ResponseHandler, Moment] = WeakKeyDictionary()
        self._process = os.getpid()

    def __del__(self, *args: Any) -> None:
        # In a forked child, closing the connections would remove them from the event loop of the
        # parent: the two share its selector.
        if self._process == os.getpid():
            super().__del__(*args)

    async def connect(self, *args: Any, **kwargs: Any) -> Connection:
        """Do as aiohttp does, and close kept connections that must not be used."""
        if self._process != os.getpid():
            self._conns.clear()  # of the parent; not closed, see `__del__`
            self._process = os.getpid()
        current = attempt.get()
        while True:
            connection = await super().connect(*args, **kwargs)
            protocol = connection.protocol
            if protocol is None:
                return connection
            taken = self._taken.get(protocol)
            self._taken[protocol] = Moment()
            if taken is None:
                return connection
            max_idle = MAX_IDLE_SECONDS if current is None else current.max_idle
            if taken.age() < max_idle and _is_clean(protocol):
                if current is not None:
                    current.take_kept()
                return connection
            connection.close()


def _is_clean(protocol: ResponseHandler) -> bool:
    """True if nothing has been received since the last response, by aiohttp or by the system."""
    if not isinstance(protocol, _Protocol) or protocol.is_dirty:
        return False
    if protocol.should_close or protocol.transport is None:
        return False
    sock = protocol.transport.get_extra_info("socket")
    if sock is None or not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


class _Resolver(AbstractResolver):
    """Looks names up in threads that do not keep a program from ending.

    The end of `asyncio.run` waits for the threads of the loop's own resolver.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host."""
        found = await shared.run(lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        return [
            {
                "hostname": host,
                "host": str(address[0]),
                "port": int(address[1]),
                "family": kind,
                "proto": protocol,
                "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            }
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Do nothing."""
