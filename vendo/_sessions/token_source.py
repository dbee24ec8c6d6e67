"""What a session needs of the client that it takes its tokens from."""

from __future__ import annotations

from typing import Protocol


class TokenSource(Protocol):
    """A blocking client."""

    @property
    def _root(self) -> object:
        """The client with the connections."""

    @property
    def timeout(self) -> float:
        """Seconds for one call."""

    def token(self, slug: str) -> str:
        """Return the current token."""

    def _reject(self, slug: str, token: str) -> None: ...

    def _local_server(self) -> str | None: ...

    def is_vendo_mode(self) -> bool: ...


class AsyncTokenSource(Protocol):
    """An asyncio client, or a blocking one that is used in a task."""

    @property
    def _root(self) -> object:
        """The client with the connections."""

    @property
    def timeout(self) -> float:
        """Seconds for one call."""

    async def _async_token(self, slug: str) -> str: ...

    def _reject(self, slug: str, token: str) -> None: ...

    def _local_server(self) -> str | None: ...

    def is_vendo_mode(self) -> bool: ...
