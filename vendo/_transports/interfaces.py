"""The interface of a transport, for those that a caller passes to a client."""

from __future__ import annotations

from typing import Protocol

from vendo._protocol.steps import Head, Request, Response


class Transport(Protocol):
    """Sends one request and returns its whole response, for blocking code."""

    def send(self, request: Request) -> Response:
        """Return the response.

        Raises:
            UpstreamError: there is none within `request.timeout` seconds.
        """

    def close(self) -> None:
        """Close the kept connections."""


class AsyncTransport(Protocol):
    """Sends one request and returns its whole response, for asyncio code."""

    async def send(self, request: Request) -> Response:
        """Return the response. Errors as for `Transport.send`."""

    async def open(self, request: Request) -> AsyncStream:
        """Return the open response, to be read piece by piece."""

    async def aclose(self) -> None:
        """Close the kept connections."""


class AsyncStream(Protocol):
    """An open response that is read piece by piece."""

    head: Head

    async def read(self, timeout: float) -> bytes:
        """Return the next piece, at least a byte; empty at the end.

        Raises:
            UpstreamError: nothing came within `timeout` seconds, or the connection broke.
        """

    def close(self) -> None:
        """Close the connection, without waiting."""
