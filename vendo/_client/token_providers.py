"""Callables that return the current token, for an SDK that calls one for each request."""

from __future__ import annotations

import inspect
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vendo._sessions.token_source import AsyncTokenSource, TokenSource


class _Provider:
    def __init__(self, client: Any, slug: str) -> None:
        self._client = client
        self._slug = slug
        #: SDKs name a callback in their messages.
        self.__name__ = self.__qualname__ = f"{slug.replace('-', '_')}_token"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._slug!r}>"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return (self._client, self._slug) == (other._client, other._slug)

    def __hash__(self) -> int:
        return hash((type(self), id(self._client), self._slug))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._client, self._slug)


class TokenProvider(_Provider):
    """Returns the current token of a provider."""

    _client: TokenSource

    def __call__(self) -> str:
        """Return it; see `Vendo.token`."""
        return self._client.token(self._slug)


class AsyncTokenProvider(_Provider):
    """Returns the current token of a provider, to be awaited."""

    _client: AsyncTokenSource

    def __init__(self, client: AsyncTokenSource, slug: str) -> None:
        super().__init__(client, slug)
        if sys.version_info >= (3, 12):
            inspect.markcoroutinefunction(self)

    async def __call__(self) -> str:
        """Return it; see `AsyncVendo.token`."""
        return await self._client._async_token(self._slug)
