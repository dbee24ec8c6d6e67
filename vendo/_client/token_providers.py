"""Callables that return the current token, for an SDK that calls one for each request.

A `functools.partial` adds no frame to a call, and one of a coroutine function counts as one too.
"""

from __future__ import annotations

from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import Signature
    from typing import Any, Self

    from vendo._sessions.token_source import AsyncTokenSource, TokenSource


class _Provider(partial):  # type: ignore[type-arg]  # the kind of its result is that of a subclass
    if TYPE_CHECKING:
        __name__: str
        __qualname__: str
        _method: str
        _made_of: tuple[TokenSource | AsyncTokenSource, str]

    def __new__(cls, client: TokenSource | AsyncTokenSource, slug: str) -> Self:
        provider = super().__new__(cls, getattr(client, cls._method), slug)
        #: SDKs name a callback in their messages.
        provider.__name__ = provider.__qualname__ = f"{slug.replace('-', '_')}_token"
        provider._made_of = (client, slug)
        return provider

    @property
    def __signature__(self) -> Signature:
        """It takes no argument: what a partial shows are the options of a method."""
        from inspect import Signature

        return Signature(return_annotation=str)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._made_of[1]!r}>"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._made_of == self._made_of

    def __hash__(self) -> int:
        return hash((type(self), self._made_of[1]))

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Any, ...]]:
        return type(self), self._made_of


class TokenProvider(_Provider):
    """Returns the current token of a provider."""

    _method = "token"


class AsyncTokenProvider(_Provider):
    """Returns the current token of a provider, to be awaited."""

    _method = "_async_token"
