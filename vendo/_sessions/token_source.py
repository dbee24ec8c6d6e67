"""What a session needs of the client that it takes its tokens from."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.secret import Secret


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

    def _renewed(self, slug: str, rejected: Secret) -> str:
        """Return another token than the one that the provider rejected, if there is another."""

    def _accept(self, slug: str, token: str) -> None: ...

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

    async def _async_token(self, slug: str, *, rejected: Secret | None = None) -> str: ...

    def _accept(self, slug: str, token: str) -> None: ...

    def _local_server(self) -> str | None: ...

    def is_vendo_mode(self) -> bool: ...
