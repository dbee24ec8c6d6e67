"""Tokens: the resolution chain, the process's cache, refresh with single flight, and hints.

It is handed checked slugs, cache keys and a `Caller`. The clients call it; nothing here knows which
of them does. The flows of `refresh` do no I/O.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._tokens.interceptor import Interceptor

__all__ = ["Interceptor"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # An annotation of the resolver, which must not import `typing`.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from vendo._tokens.interceptor import Interceptor

        return Interceptor
