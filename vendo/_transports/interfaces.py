"""What a caller may bring of its own, in place of the library's: a transport, an interceptor."""

from __future__ import annotations

from typing import Protocol

from vendo._protocol.steps import Head, Request, Response


class Transport(Protocol):
    """What sends one request and gives back its whole answer, for blocking code."""

    def send(self, request: Request) -> Response:
        """The answer, or an `UpstreamError` where there is none within `request.timeout`."""

    def close(self) -> None:
        """Let go of kept connections."""


class AsyncTransport(Protocol):
    """What sends one request and gives back its whole answer, for asyncio code."""

    async def send(self, request: Request) -> Response:
        """The answer, or an `UpstreamError` where there is none within `request.timeout`."""

    async def open(self, request: Request) -> AsyncStream:
        """The open answer to a request, to be read piece by piece."""

    async def aclose(self) -> None:
        """Let go of kept connections."""


class AsyncStream(Protocol):
    """An open answer that is read piece by piece as it comes."""

    head: Head

    async def read(self, timeout: float) -> bytes:
        """What has come, at least a byte; empty at the end. Waits `timeout` seconds at most,
        then raises an `UpstreamError`.
        """

    def close(self) -> None:
        """Close the connection, without waiting for anything."""


class Interceptor(Protocol):
    """Watches the chain. A test suite installs one to keep real credentials out."""

    def before_lookup(self, slug: str) -> None:
        """Called when a slug has no `VENDO_TOKEN_<SLUG>`; what it raises ends the look-up."""

    def handed_out(self, slug: str, token: str) -> None:
        """Called with each token that is handed out."""
